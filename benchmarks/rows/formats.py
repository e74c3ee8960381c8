"""The gzip set in each output format: what compressing and converting cost on top of plain `csv`."""

from __future__ import annotations

from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, cpu_figures, disturbed_note, wall_figures
from benchmarks.nginx_server import serving
from benchmarks.process_run import Command
from benchmarks.programs import OUTPUT, SfrOptions
from benchmarks.results import RowResult, Settings, Target, ratio

PLAIN = "csv"
FORMATS = (PLAIN, "csv.gz", "jsonl", "parquet")
#: The conversions take many times as long as a download.
MOST_ROUNDS = 2


def measure(settings: Settings) -> RowResult:
    """Run SFR once per format in turn."""
    made = report_sets.large_set(settings.scale)
    made.warm_up("gzip")
    size_bytes: dict[str, int] = {}

    def contestant(name: str) -> Contestant:
        def prepare(directory: Path) -> Command:
            return programs.sfr(directory, site, made.reports, SfrOptions(format=name))

        def check(directory: Path) -> None:
            files = list((directory / OUTPUT).glob(f"report *.{name}"))
            if len(files) != len(made.reports):
                raise SystemExit(f"bench: {len(made.reports)} files of format {name} expected, {len(files)} found.")
            size_bytes[name] = sum(file.stat().st_size for file in files)

        return Contestant(name, prepare, check)

    with serving(made, "gzip") as site:
        timings = alternate([contestant(name) for name in FORMATS], settings, min(settings.rounds, MOST_ROUNDS))
    wall, cpu = wall_figures(timings), cpu_figures(timings, made.total_bytes)
    received_bytes = sum(path.stat().st_size for path in (made.directory / "gzip").iterdir())
    targets = (
        Target("wall, csv.gz to csv", ratio(wall["csv.gz"], wall[PLAIN]), 2.5),
        Target("size, csv.gz to zlib's level 6", size_bytes["csv.gz"] / received_bytes, 1.2),
    )
    title = "33 reports, 1.2 GB in all, gzip bodies, saved in other formats"
    return RowResult("formats", title, (*wall.values(), *cpu.values()), targets, disturbed_note(timings))
