"""2,000 reports of 20 kB: what SFR adds to each report, against a bare loop with requests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, cpu_figures, disturbed_note, wall_figures
from benchmarks.nginx_server import Site, serving
from benchmarks.process_run import Command, peak_pss_bytes
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportSet
from benchmarks.results import RowResult, Settings, Target, megabytes, ratio

REPORTS = 2000
FEW = 10
LOOP = "requests loop"
DURABLE_LOOP = "requests loop that syncs and renames"
SFR = "sfr"
MEMORY_THREADS = 8


def rows() -> dict[str, Callable[[Settings], RowResult]]:
    """Name → row, for each number of threads."""
    return {"small": lambda settings: _measure(settings, 8), "small-4": lambda settings: _measure(settings, 4)}


def _measure(settings: Settings, threads: int) -> RowResult:
    """Rate and memory."""
    made = report_sets.small_set(max(int(REPORTS * settings.scale), 2 * FEW))
    made.warm_up("gzip")
    with serving(made, "gzip") as site:
        timings = alternate(_contestants(site, made, threads), settings)
        few, many = (
            [_peak(site, made, count, settings) for _ in range(min(settings.rounds, 3))]
            for count in (FEW, len(made.reports))
        )
    wall = wall_figures(timings)
    figures = (
        *wall.values(),
        *cpu_figures(timings, made.total_bytes).values(),
        megabytes(f"sfr, peak PSS, {FEW} reports", few),
        megabytes(f"sfr, peak PSS, {len(made.reports):,} reports", many),
    )
    targets = (
        Target(f"rate, sfr to the {LOOP}", ratio(wall[LOOP], wall[SFR]), 0.7, at_most=False),
        Target(f"rate, sfr to the {DURABLE_LOOP}", ratio(wall[DURABLE_LOOP], wall[SFR]), 0.7, at_most=False),
        Target(f"peak PSS, more than for {FEW} reports", (max(many) - min(few)) / 1e6, 15.0, "MB"),
    )
    notes = (f"sfr: {len(made.reports) / wall[SFR].median:,.0f} reports/s", *disturbed_note(timings))
    title = f"{len(made.reports):,} reports of 20 kB, gzip bodies, {threads} threads"
    return RowResult("small" if threads == MEMORY_THREADS else f"small-{threads}", title, figures, targets, notes)


def _contestants(site: Site, made: ReportSet, threads: int) -> list[Contestant]:
    def check(directory: Path) -> None:
        programs.require_output(directory, made.reports, with_footer=False)

    def loop(*, is_durable: bool) -> Callable[[Path], Command]:
        return lambda directory: programs.requests_loop(
            directory, site, made.reports, threads=threads, is_durable=is_durable
        )

    def sfr(directory: Path) -> Command:
        return programs.sfr(directory, site, made.reports, SfrOptions(threads=threads))

    return [
        Contestant(LOOP, loop(is_durable=False), check),
        Contestant(DURABLE_LOOP, loop(is_durable=True), check),
        Contestant(SFR, sfr, check),
    ]


def _peak(site: Site, made: ReportSet, count: int, settings: Settings) -> int:
    directory = programs.fresh_directory(settings.memory_directory / "work")
    options = SfrOptions(threads=MEMORY_THREADS)
    return peak_pss_bytes(programs.sfr(directory, site, made.reports[:count], options))
