"""`python -m tests.stress.worker_kills`: kills workers at random during many runs and checks what each run leaves.

Every run must end by itself; every file must be whole or absent, as its summary says; a report may be missing only as
`worker`; no body may be asked for twice; no temporary file and no process may be left. Ends with 1 if one is not so.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import signal
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from sfr.emulator import Emulator
from tests.sfr_program import configure, start, still_running, summary, temporaries

#: Rows of the reports, so that bodies travel in memory and by spool file.
ROWS = (10, 500, 3_000, 12_000, 30_000) * 6
#: Between two kills: now and then sooner than new workers need to start.
PAUSES_S = (0.02, 0.6)
#: In one run, at most: a run whose workers are killed without an end before they can start would have none either.
MAX_KILLS_PER_RUN = 25
#: A run that takes longer hangs.
MAX_RUN_S = 90.0


@dataclass
class Figures:
    """What all runs together came to."""

    runs: int = 0
    kills: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    exit_codes: Counter[int] = field(default_factory=Counter)
    longest_run_s: float = 0.0
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.worker_kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000, help="in all runs together; default %(default)s")
    parser.add_argument(
        "--seed", type=int, default=int(time.time()), help="of the pauses and victims; default: the time"
    )
    arguments = parser.parse_args()
    chance, figures = random.Random(arguments.seed), Figures()
    with Emulator({"rules": [{"report": "Kills*", "action": "answer", "delay_s": 0.1}]}) as org:
        digests = _add_reports(org)
        while figures.kills < arguments.kills and len(figures.problems) < 20:
            with tempfile.TemporaryDirectory(prefix="sfr-kills-") as directory:
                _one_run(Path(directory), org, digests, chance, figures, arguments.kills)
    print(
        f"seed {arguments.seed}: {figures.runs} runs, {figures.kills} kills, longest run {figures.longest_run_s:.1f} s"
    )
    print(f"reports: {dict(figures.statuses)}; exit codes: {dict(figures.exit_codes)}")
    print("\n".join(figures.problems) or "every promise held")
    return 1 if figures.problems else 0


def _add_reports(org: Emulator) -> dict[str, str]:
    """Name → SHA-256 of the file that it has to become."""
    digests = {}
    for number, rows in enumerate(ROWS):
        name = f"Kills {number:02}"
        org.add_report(name, rows=rows)
        digest = hashlib.sha256()
        for block in org.expected_csv(name):
            digest.update(block)
        digests[name] = digest.hexdigest()
    return digests


def _one_run(
    directory: Path, org: Emulator, digests: dict[str, str], chance: random.Random, figures: Figures, most_kills: int
) -> None:
    out, began = directory / "out", time.monotonic()
    config = configure(directory, org, [(name, out) for name in digests])
    org.requests.clear()
    process, ended = start(config), threading.Event()
    waiter = threading.Thread(target=lambda: (process.wait(), ended.set()))
    waiter.start()
    main_process, family = psutil.Process(process.pid), {}
    most_kills = min(most_kills, figures.kills + MAX_KILLS_PER_RUN)
    while not ended.wait(chance.uniform(*PAUSES_S)):
        if time.monotonic() - began > MAX_RUN_S:
            figures.problems.append(f"run {figures.runs}: did not end")
            process.kill()
            break
        family |= {child.pid: child for child in _children(main_process)}
        if figures.kills < most_kills:
            figures.kills += _kill_one(list(_workers(main_process)), chance)
    waiter.join()
    figures.longest_run_s = max(figures.longest_run_s, time.monotonic() - began)
    alive = still_running(family.values(), timeout_s=2)
    figures.problems += [f"run {figures.runs}: process {left.pid} is left" for left in alive]
    figures.problems += [
        f"run {figures.runs}: {problem}" for problem in _judge(process.returncode, out, org, digests, figures)
    ]
    figures.runs += 1


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def _workers(process: psutil.Process) -> list[psutil.Process]:
    """Its workers that are there now."""
    found = []
    for child in _children(process):
        try:
            if any("spawn_main" in argument for argument in child.cmdline()):
                found.append(child)
        except psutil.Error:
            pass
    return found


def _kill_one(workers: list[psutil.Process], chance: random.Random) -> int:
    """Kill one of them; how many that were."""
    if not workers:
        return 0
    try:
        chance.choice(workers).send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return 0
    return 1


def _judge(code: int, out: Path, org: Emulator, digests: dict[str, str], figures: Figures) -> list[str]:
    """What is not as promised."""
    figures.exit_codes[code] += 1
    path = out / "summary_report.json"
    if not path.exists():
        return [f"no summary; exit code {code}"]
    reports = summary(path)
    problems = [] if list(reports) == list(digests) else ["the summary does not list every report once"]
    for name, report in reports.items():
        figures.statuses[report["error"] or report["status"]] += 1
        problems += _judge_report(name, report, out / f"{name}.csv", digests[name])
    failed = sum(not report["valid"] for report in reports.values())
    expected_code = 0 if not failed else 4 if failed < len(reports) else 5
    if code != expected_code:
        problems.append(f"exit code {code} with {failed} failed reports")
    asked = Counter(record.report_id for record in org.requests.records("export"))
    problems += [f"{report_id} was asked for {count} times" for report_id, count in asked.items() if count > 1]
    problems += [f"{left.name} is left" for left in temporaries(out)]
    return problems


def _judge_report(name: str, report: dict[str, object], file: Path, digest: str) -> list[str]:
    if report["status"] == "saved":
        is_whole = file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == digest == report["sha256"]
        return [] if is_whole else [f"{name} is saved but not whole"]
    if report["error"] != "worker":
        return [f"{name} ended as {report['status']}/{report['error']}: {report['message']}"]
    is_torn = file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() != digest
    return [f"{name} is torn"] if is_torn else []


if __name__ == "__main__":
    raise SystemExit(main())
