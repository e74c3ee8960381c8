"""2,000 reports of 20 kB: what SFR adds to each report, against a bare loop with requests."""

from __future__ import annotations

from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, cpu_figures, disturbed_note, wall_figures
from benchmarks.nginx_server import serving
from benchmarks.process_run import Command, peak_pss_bytes
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportFile
from benchmarks.results import RowResult, Settings, Target, megabytes, ratio

REPORTS = 2000
FEW = 10
LOOP = "requests loop"
SFR = "sfr"
THREADS = 8


def measure(settings: Settings) -> RowResult:
    """Rate and memory."""
    made = report_sets.small_set(max(int(REPORTS * settings.scale), 2 * FEW))
    made.warm_up("gzip")
    reports = made.reports
    directory = settings.memory_directory / "work"

    def check(of: Path) -> None:
        programs.require_output(of, reports, with_footer=False)

    with serving(made, "gzip") as url:

        def loop(of: Path) -> Command:
            return programs.requests_loop(of, url, reports, threads=THREADS)

        def sfr(of: Path, listed: tuple[ReportFile, ...] = reports) -> Command:
            return programs.sfr(of, url, listed, SfrOptions(threads=THREADS))

        timings = alternate([Contestant(LOOP, loop, check), Contestant(SFR, sfr, check)], settings)
        rounds = range(min(settings.rounds, 3))
        few = [peak_pss_bytes(sfr(programs.fresh_directory(directory), reports[:FEW])) for _ in rounds]
        many = [peak_pss_bytes(sfr(programs.fresh_directory(directory))) for _ in rounds]
    wall = wall_figures(timings)
    figures = (
        *wall.values(),
        *cpu_figures(timings, made.total_bytes).values(),
        megabytes(f"sfr, peak PSS, {FEW} reports", few),
        megabytes(f"sfr, peak PSS, {len(reports):,} reports", many),
    )
    targets = (
        Target("rate, sfr to the loop", ratio(wall[LOOP], wall[SFR]), 0.5, at_most=False),
        Target(f"peak PSS, more than for {FEW} reports", (max(many) - min(few)) / 1e6, 15.0, "MB"),
    )
    notes = (f"sfr: {len(reports) / wall[SFR].median:,.0f} reports/s", *disturbed_note(timings))
    return RowResult("small", f"{len(reports):,} reports of 20 kB, gzip bodies", figures, targets, notes)
