"""48 reports that the server thinks about for very different times: the schedule must hide that."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import export_text, programs
from benchmarks.nginx_server import Site
from benchmarks.process_run import timed
from benchmarks.programs import CHECKOUT, SfrOptions
from benchmarks.report_sets import ReportFile, report_id
from benchmarks.results import Figure, RowResult, Settings, Target
from benchmarks.thinking_server import ROWS

REPORTS = 48
SLOW_REPORTS = 3
SLOW_FACTOR = 30
MEDIAN_S = 0.5
THREADS = 4
ROUNDS = 3


def measure(settings: Settings) -> RowResult:
    """One run to learn the times, then the measured ones."""
    delays_s = _think_times(MEDIAN_S * settings.scale)
    saved_bytes = len(ROWS)
    reports = tuple(
        ReportFile(identifier, f"report {number:04d}", saved_bytes + len(export_text.FOOTER), saved_bytes)
        for number, identifier in enumerate(delays_s)
    )
    directory = programs.fresh_directory(settings.memory_directory / "work")
    with _thinking(directory.parent, delays_s) as site:
        command = programs.sfr(directory, site, reports, SfrOptions(threads=THREADS))
        unknown = timed(command)
        known = [timed(command) for _ in range(min(settings.rounds, ROUNDS))]
    programs.require_output(directory, reports, with_footer=False)
    best_s = max(sum(delays_s.values()) / THREADS, max(delays_s.values()))
    figure = Figure("sfr, history known", "s", tuple(run.wall_s for run in known))
    return RowResult(
        "uneven",
        f"{REPORTS} reports, log-normal think time, some {SLOW_FACTOR} × the median, {THREADS} threads",
        (figure, Figure("sfr, history unknown", "s", (unknown.wall_s,)), Figure("best possible", "s", (best_s,))),
        (Target("sfr to max(total/threads, longest)", figure.median / best_s, 1.05),),
    )


def _think_times(median_s: float) -> dict[str, float]:
    """Report id → seconds, the slow ones anywhere in the list."""
    chance = random.Random(export_text.SEED)
    times = [median_s * chance.lognormvariate(0.0, 1.0) for _ in range(REPORTS)]
    for place in chance.sample(range(REPORTS), SLOW_REPORTS):
        times[place] = median_s * SLOW_FACTOR
    return {report_id(number): round(seconds, 4) for number, seconds in enumerate(times)}


@contextmanager
def _thinking(directory: Path, delays_s: dict[str, float]) -> Iterator[Site]:
    delays = directory / "delays.json"
    delays.write_text(json.dumps(delays_s))
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.thinking_server", str(delays)], cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        yield Site(f"http://127.0.0.1:{int(server.stdout.readline())}")
    finally:
        server.terminate()
        server.wait()
        server.stdout.close()
