"""33 reports, 1.2 GB in all: SFR against `curl --parallel`, for each shape of data, with and without TLS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.alternation import Contestant, alternate, cpu_figures, disturbed_note, wall_figures
from benchmarks.nginx_server import Site, serving
from benchmarks.process_run import Command
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportSet
from benchmarks.results import Figure, RowResult, Settings, Target, ratio
from benchmarks.shapes import OPPORTUNITIES, SHAPES, Shape

CURL = "curl"
SFR = "sfr"
#: The floors: what two processes need for the primitives alone.
FLOOR_READ = "loop that reads and inflates"
FLOOR_ALL = "loop that reads, inflates, counts, hashes, writes"
WITHOUT_LIBRARIES = "sfr without libraries for speed"
FLOOR_FACTOR = 1.2
VARIANTS = {
    SFR: SfrOptions(),
    "sfr, checksum: none": SfrOptions(checksum="none"),
    WITHOUT_LIBRARIES: SfrOptions(libraries=False),
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A row: the bodies' encoding, the shape of the data, and what is promised."""

    encoding: str
    shape: Shape
    is_tls: bool
    wall_limit: float
    cpu_limit: float | None

    @property
    def name(self) -> str:
        """The row's name on the command line."""
        shape = () if self.shape is OPPORTUNITIES else (self.shape.name,)
        return "-".join((self.encoding, *shape, *(("tls",) if self.is_tls else ())))

    @property
    def title(self) -> str:
        """What is downloaded."""
        way = " over TLS" if self.is_tls else ""
        return f"33 reports, 0.2–200 MB, 1.2 GB in all, {self.encoding} bodies{way}; {self.shape.title}"

    def measure(self, settings: Settings) -> RowResult:
        """Run all programs in turn."""
        reports = report_sets.large_set(settings.scale, self.shape)
        reports.warm_up(self.encoding)
        with serving(reports, self.encoding, tls=self.is_tls) as site:
            contestants = [
                _curl(site, reports, self.encoding),
                *(_sfr(name, site, reports) for name in VARIANTS),
                _floor(FLOOR_READ, site, reports, "read"),
                _floor(FLOOR_ALL, site, reports, "all"),
            ]
            timings = alternate(contestants, settings)
        wall, cpu = wall_figures(timings), cpu_figures(timings, reports.total_bytes)
        targets = [Target("wall, sfr to curl", ratio(wall[SFR], wall[CURL]), self._limit(wall))]
        if self.cpu_limit:
            targets.append(Target("CPU, sfr to curl", ratio(cpu[SFR], cpu[CURL]), self.cpu_limit))
        others = [name for name in wall if name not in (SFR, CURL)]
        notes = [f"wall, {name} to curl: {ratio(wall[name], wall[CURL]):.2f} ×" for name in others]
        figures = (*wall.values(), *cpu.values())
        return RowResult(self.name, self.title, figures, tuple(targets), (*notes, *disturbed_note(timings)))

    def _limit(self, wall: Mapping[str, Figure]) -> float:
        """Over TLS the floor counts, where it is higher: reading and inflating alone, and a fifth more."""
        floor = FLOOR_FACTOR * ratio(wall[FLOOR_READ], wall[CURL])
        return max(self.wall_limit, floor) if self.is_tls and self.encoding == "gzip" else self.wall_limit


def rows() -> dict[str, Callable[[Settings], RowResult]]:
    """Name → row, for every shape and both encodings, without and with TLS."""
    comparisons = [
        *(Comparison("gzip", shape, False, 0.65, 1.15) for shape in SHAPES.values()),
        *(Comparison("gzip", shape, True, 0.75, None) for shape in SHAPES.values()),
        *(Comparison("identity", shape, False, 1.5, None) for shape in SHAPES.values()),
        *(Comparison("identity", shape, True, 1.8, None) for shape in SHAPES.values()),
    ]
    return {comparison.name: comparison.measure for comparison in comparisons}


def _curl(site: Site, reports: ReportSet, encoding: str) -> Contestant:
    def prepare(directory: Path) -> Command:
        return programs.curl(directory, site, reports.reports, compressed=encoding == "gzip")

    def check(directory: Path) -> None:
        programs.require_output(directory, reports.reports, with_footer=True)

    return Contestant(CURL, prepare, check)


def _sfr(name: str, site: Site, reports: ReportSet) -> Contestant:
    def prepare(directory: Path) -> Command:
        return programs.sfr(directory, site, reports.reports, VARIANTS[name])

    def check(directory: Path) -> None:
        programs.require_output(directory, reports.reports, with_footer=False)

    return Contestant(name, prepare, check)


def _floor(name: str, site: Site, reports: ReportSet, work: str) -> Contestant:
    def prepare(directory: Path) -> Command:
        return programs.primitives_loop(directory, site, reports.reports, work=work)

    def check(directory: Path) -> None:
        if work == "all":
            programs.require_output(directory, reports.reports, with_footer=True)

    return Contestant(name, prepare, check)
