"""33 reports, 1.2 GB in all: SFR against `curl --parallel`, with gzip and with identity bodies."""

from __future__ import annotations

from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, cpu_figures, disturbed_note, wall_figures
from benchmarks.nginx_server import serving
from benchmarks.process_run import Command
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportSet
from benchmarks.results import RowResult, Settings, Target, ratio

CURL = "curl"
SFR = "sfr"
SFR_SPEED = "sfr[speed]"
NO_CHECKSUM = ", checksum: none"
VARIANTS = {
    SFR: SfrOptions(),
    SFR + NO_CHECKSUM: SfrOptions(checksum="none"),
    SFR_SPEED: SfrOptions(isal=True),
    SFR_SPEED + NO_CHECKSUM: SfrOptions(isal=True, checksum="none"),
}


def gzip_bodies(settings: Settings) -> RowResult:
    """Everything inflated by the clients."""
    limits = {SFR: 0.75, SFR_SPEED: 0.65}
    return _compared(settings, "gzip", "33 reports, 0.2–200 MB, 1.2 GB in all, gzip bodies", list(VARIANTS), limits)


def identity_bodies(settings: Settings) -> RowResult:
    """Nothing to inflate, so the `speed` extra does nothing."""
    names = [SFR, SFR + NO_CHECKSUM]
    return _compared(settings, "identity", "the same 33 reports, identity bodies", names, {SFR: 1.15})


def _compared(settings: Settings, encoding: str, title: str, names: list[str], limits: dict[str, float]) -> RowResult:
    reports = report_sets.large_set(settings.scale)
    reports.warm_up(encoding)
    with serving(reports, encoding) as url:
        contestants = [_curl(url, reports, encoding), *(_sfr(name, url, reports) for name in names)]
        timings = alternate(contestants, settings)
    wall = wall_figures(timings)
    targets = tuple(
        Target(f"wall, {name} to curl", ratio(wall[name], wall[CURL]), limit) for name, limit in limits.items()
    )
    others = tuple(
        f"wall, {name} to curl: {ratio(wall[name], wall[CURL]):.2f} ×" for name in names if name not in limits
    )
    figures = (*wall.values(), *cpu_figures(timings, reports.total_bytes).values())
    return RowResult(encoding, title, figures, targets, others + disturbed_note(timings))


def _curl(url: str, reports: ReportSet, encoding: str) -> Contestant:
    def prepare(directory: Path) -> Command:
        return programs.curl(directory, url, reports.reports, compressed=encoding == "gzip")

    def check(directory: Path) -> None:
        programs.require_output(directory, reports.reports, with_footer=True)

    return Contestant(CURL, prepare, check)


def _sfr(name: str, url: str, reports: ReportSet) -> Contestant:
    def prepare(directory: Path) -> Command:
        return programs.sfr(directory, url, reports.reports, VARIANTS[name])

    def check(directory: Path) -> None:
        programs.require_output(directory, reports.reports, with_footer=False)

    return Contestant(name, prepare, check)
