"""`python -m tests.stress.long_run`: one run of very many small reports, its processes measured all along.

What a run needs must not grow with the reports that it has done: memory (proportional set size), file descriptors and
threads of the main process and of its workers, samples among the first thousand reports against samples among the
last. The list itself is in memory from the beginning, and the end of the run (summaries) is told apart. Ends with 1
if something grew, or if a report was not saved.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.sfr_program import SCRIPT, summary, temporaries

ROWS = 12
#: Reports that the org has; it keeps the cells of each in memory.
DISTINCT = 20
#: Reports at either end whose samples are compared.
EDGE = 1_000
#: Between two samples, seconds.
PAUSE_S = 0.25
#: Growth that is allowed: what an interpreter's heap swings by until it has settled, and, in the main process only,
#: the result of each report as plain values, which the summaries need at the end.
BOUNDS_BYTES = {"main": 2_000_000, "worker": 2_000_000}
ENDED_REPORT_BYTES = 1_200


@dataclass(frozen=True)
class Sample:
    """The processes of a run at one moment; of several workers the largest counts."""

    done: int
    #: `main` or `worker` → proportional set size, bytes.
    memory: dict[str, int]
    descriptors: dict[str, int]
    threads: dict[str, int]


def main() -> int:
    """0 if nothing grew."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.long_run", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="reports; default %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="of the reports' rows; default %(default)s")
    parser.add_argument("--directory", help="where the files go; default: a temporary directory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sfr-long-", dir=arguments.directory) as name:
        directory = Path(name)
        with _org(directory, arguments.seed) as ready:
            began = time.monotonic()
            process = subprocess.Popen(
                [
                    sys.executable,
                    str(SCRIPT),
                    "--config",
                    str(_configure(directory, ready, arguments.count)),
                    "--no-progress",
                ],
                cwd=directory,
                stdout=subprocess.DEVNULL,
            )
            try:
                samples = list(_watch(psutil.Process(process.pid), directory / "out"))
            finally:
                process.kill()
                code = process.wait()
            duration_s = time.monotonic() - began
        problems = [] if code == 0 else [f"exit code {code}"]
        problems += _judge_files(directory / "out", arguments.count)
    print(f"{arguments.count} reports in {duration_s:.0f} s ({arguments.count / duration_s:.0f} per s)")
    problems += _judge(samples, arguments.count)
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


@contextmanager
def _org(directory: Path, seed: int) -> Iterator[dict[str, Any]]:
    """An org of small reports in a process of its own; yields what it says when it is ready."""
    scenario = directory / "scenario.json"
    reports = [{"name": f"Small {number}", "rows": ROWS} for number in range(DISTINCT)]
    scenario.write_text(json.dumps({"seed": seed, "reports": reports}))
    command = [sys.executable, "-m", "sfr.emulator", "--quiet", "--scenario", str(scenario)]
    with subprocess.Popen(command, cwd=SCRIPT.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _configure(directory: Path, ready: dict[str, Any], count: int) -> Path:
    """A list of this many rows; the org's few reports take turns in it."""
    ids = [report["id"] for report in ready["reports"] if report["name"].startswith("Small")]
    rows = [f"SFDC,Small {number:05},{ids[number % DISTINCT]}" for number in range(count)]
    (directory / "reports.csv").write_text("\n".join(["report_type,report_file_name,report_id", *rows, ""]))
    config = {
        "salesforce": {"domain": ready["url"], "auth": {"sid": {"value": ready["sid"]}}},
        "reports": {"list": "reports.csv"},
        "workers": {"count": 2},
        "output": {"directory": "out"},
        "logging": {"file": {"path": "sfr.log"}},
    }
    path = directory / "sfr.yaml"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return path


def _watch(process: psutil.Process, out: Path) -> Iterator[Sample]:
    """Samples until the process ends."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        try:
            sample = _sample(process, out)
        except (psutil.Error, OSError):
            sample = None
        if sample is not None:
            yield sample
        time.sleep(PAUSE_S)


def _sample(process: psutil.Process, out: Path) -> Sample | None:
    """None while the run has no output directory; without workers, these count as nothing."""
    workers = [child for child in process.children() if any("spawn_main" in part for part in child.cmdline())]
    if not out.exists():
        return None
    done = sum(entry.name.startswith("Small") for entry in os.scandir(out))

    def of_all(measure: Callable[[psutil.Process], int]) -> dict[str, int]:
        return {"main": measure(process), "worker": max(map(measure, workers), default=0)}

    return Sample(done, of_all(_proportional_set), of_all(psutil.Process.num_fds), of_all(psutil.Process.num_threads))


def _proportional_set(process: psutil.Process) -> int:
    for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise OSError("no Pss in smaps_rollup")


def _judge_files(out: Path, count: int) -> list[str]:
    ended = summary(out / "summary_report.json")
    saved = sum(report["status"] == "saved" for report in ended.values())
    problems = [] if saved == count else [f"{saved} of {count} reports were saved"]
    return problems + [f"{left.name} is left" for left in temporaries(out)]


def _judge(samples: list[Sample], count: int) -> list[str]:
    """Print the figures; returns what grew."""
    edge = min(EDGE, count // 4)
    first = [sample for sample in samples if 0 < sample.done <= edge and sample.memory["worker"]]
    last = [sample for sample in samples if count - edge <= sample.done < count]
    end = [sample for sample in samples if sample.done == count]
    if not first or not last:
        return ["too few samples: raise --count"]
    print(f"samples: {len(samples)}, {len(first)} among the first {edge} reports, {len(last)} among the last")
    problems = []
    for who, bound in BOUNDS_BYTES.items():
        before = statistics.median(sample.memory[who] for sample in first)
        after = statistics.median(sample.memory[who] for sample in last)
        peak = max((sample.memory[who] for sample in end), default=0)
        allowed = bound + (ENDED_REPORT_BYTES * count if who == "main" else 0)
        print(
            f"{who}: {before / 1e6:.1f} MB first, {after / 1e6:.1f} MB last: {(after - before) / 1e6:+.1f} MB, "
            f"{(after - before) / (count - edge):.0f} bytes per report; allowed {allowed / 1e6:.1f} MB"
        )
        if who == "main":
            print(f"main: {peak / 1e6:.1f} MB at most after the last report, for the summaries ({len(end)} samples)")
        if after - before > allowed:
            problems.append(f"{who}: memory grew by {after - before:,.0f} bytes")
        for what in ("descriptors", "threads"):
            before, after = ([getattr(sample, what)[who] for sample in some] for some in (first, last))
            print(f"{who}: {min(before)} to {max(before)} {what} first, {min(after)} to {max(after)} last")
            # What is open for a moment, while a file is written, comes and goes; a leak raises the least and the most.
            if min(after) > min(before) and max(after) > max(before):
                problems.append(f"{who}: {what} grew from {max(before)} to {max(after)}")
    return problems


if __name__ == "__main__":
    raise SystemExit(main())
