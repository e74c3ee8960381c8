"""Peak memory of the whole process tree: it must not grow with the size of the reports."""

from __future__ import annotations

from pathlib import Path

from benchmarks import programs, report_sets
from benchmarks.nginx_server import serving
from benchmarks.process_run import peak_pss_bytes
from benchmarks.programs import SfrOptions
from benchmarks.report_sets import ReportSet, cache_directory
from benchmarks.results import RowResult, Settings, Target, megabytes

LARGEST_BYTES = 10_000_000_000
LIMIT_MB = 84.0
GROWTH_MB = 4.0
#: Peaks vary little.
ROUNDS = 3


def measure(settings: Settings) -> RowResult:
    """One report of 1 MB, the 33 reports both ways, one report of 10 GB."""
    in_memory = settings.memory_directory / "work"
    large = report_sets.large_set(settings.scale)
    one = report_sets.single_report(1_000_000)
    ten_gb = report_sets.single_report(int(LARGEST_BYTES * settings.scale))
    rounds = min(settings.rounds, ROUNDS)
    plain = SfrOptions()
    small = [_peak(one, "gzip", in_memory, plain) for _ in range(rounds)]
    peaks = {
        "1.2 GB, gzip": [_peak(large, "gzip", in_memory, plain) for _ in range(rounds)],
        "1.2 GB, identity": [_peak(large, "identity", in_memory, plain) for _ in range(rounds)],
        # On the disk: nobody has 10 GB of memory file system to spare.
        "10 GB, gzip": [_peak(ten_gb, "gzip", cache_directory() / "work", plain)],
    }
    figures = (megabytes("1 MB, gzip", small), *(megabytes(name, values) for name, values in peaks.items()))
    targets = []
    for name, values in peaks.items():
        targets.append(Target(f"peak PSS, {name}", max(values) / 1e6, LIMIT_MB, "MB"))
    growth_mb = (max(peaks["10 GB, gzip"]) - min(small)) / 1e6
    targets.append(Target("10 GB more than 1 MB, one report each", growth_mb, GROWTH_MB, "MB"))
    return RowResult("memory", "peak PSS of the process tree, 8 threads, 2 workers", figures, tuple(targets))


def _peak(reports: ReportSet, encoding: str, directory: Path, options: SfrOptions) -> int:
    programs.fresh_directory(directory)
    with serving(reports, encoding) as site:
        peak = peak_pss_bytes(programs.sfr(directory, site, reports.reports, options))
    programs.require_output(directory, reports.reports, with_footer=False)
    programs.fresh_directory(directory)
    return peak
