"""The large reports on a machine with 128 MB: a memory cgroup that counts the file cache too, output on the disk."""

from __future__ import annotations

from benchmarks import programs, report_sets
from benchmarks.memory_cgroup import limited
from benchmarks.nginx_server import serving
from benchmarks.process_run import timed
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportSet, cache_directory
from benchmarks.results import Figure, RowResult, Settings, Target
from benchmarks.rows.memory import LARGEST_BYTES

LIMIT_BYTES = 128_000_000
TITLE = "in a memory cgroup of 128 MB, output and spool on the disk"


def measure(settings: Settings) -> RowResult:
    """The 33 reports both ways and the one of 10 GB; a row without figures where cgroups cannot be made."""
    large = report_sets.large_set(settings.scale)
    ten_gb = report_sets.single_report(int(LARGEST_BYTES * settings.scale))
    figures, targets = [], []
    for name, reports, encoding in (
        ("1.2 GB, gzip", large, "gzip"),
        ("1.2 GB, identity", large, "identity"),
        ("10 GB, gzip", ten_gb, "gzip"),
    ):
        found = _run(reports, encoding)
        if found is None:
            return RowResult("cgroup", TITLE, notes=("skipped: this user may not make a memory cgroup here",))
        wall_s, kills = found
        figures.append(Figure(f"sfr, {name}", "s", (wall_s,)))
        targets.append(Target(f"processes killed for memory, {name}", kills, 0, ""))
    return RowResult("cgroup", TITLE, tuple(figures), tuple(targets))


def _run(reports: ReportSet, encoding: str) -> tuple[float, int] | None:
    """Seconds and out-of-memory kills of one run that fetched everything."""
    directory = programs.fresh_directory(cache_directory() / "work")
    with serving(reports, encoding) as site, limited(LIMIT_BYTES) as cgroup:
        if cgroup is None:
            return None
        timing = timed(cgroup.around(programs.sfr(directory, site, reports.reports, SfrOptions())))
        kills = cgroup.out_of_memory_kills()
    programs.require_output(directory, reports.reports, with_footer=False)
    programs.fresh_directory(directory)
    return timing.wall_s, kills
