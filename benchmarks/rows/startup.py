"""How long the smallest things take: one small report with a log-in, and --help."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, disturbed_note, wall_figures
from benchmarks.nginx_server import serving
from benchmarks.process_run import Command
from benchmarks.programs import CHECKOUT, SfrOptions
from benchmarks.results import RowResult, Settings, Target, ratio

IMPORTS = "import requests, yaml, psutil, colorlog, dotenv, pydantic; pydantic.BaseModel"
ARGPARSE = "import argparse"
REPORT = "sfr, one report of 20 kB, log-in included"
HELP = "sfr --help"
#: These take tenths of a second, so there is time for more of them.
ROUNDS_FACTOR = 4


def measure(settings: Settings) -> RowResult:
    """Against the imports that SFR cannot do without."""
    made = report_sets.single_report(report_sets.SMALL_REPORT_BYTES)

    def check(directory: Path) -> None:
        programs.require_output(directory, made.reports, with_footer=False)

    def python(*arguments: str) -> Contestant:
        name = arguments[-1] if arguments[0] == "-c" else HELP
        return Contestant(name, lambda directory: Command((sys.executable, *arguments), directory))

    with serving(made, "gzip") as site:

        def one_report(directory: Path) -> Command:
            return programs.sfr(directory, site, made.reports, SfrOptions(threads=4, workers=None, login="secret"))

        contestants = [
            python("-c", IMPORTS),
            Contestant(REPORT, one_report, check),
            python("-c", ARGPARSE),
            python(str(CHECKOUT / "sfr.py"), "--help"),
        ]
        timings = alternate(contestants, settings, settings.rounds * ROUNDS_FACTOR)
    wall = wall_figures(timings)
    targets = (
        Target("one report with a log-in, to the imports", ratio(wall[REPORT], wall[IMPORTS]), 3.5),
        Target(f"{HELP} to {ARGPARSE}", ratio(wall[HELP], wall[ARGPARSE]), 2.5),
    )
    title = "start to end of the smallest things"
    return RowResult("startup", title, tuple(wall.values()), targets, disturbed_note(timings))
