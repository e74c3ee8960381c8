"""`python -m tests.stress.write_torture`: lets single system calls of real runs fail, kill or fall short, one per run.

A first run under `strace` is recorded; then every call that it made on a file of its own is failed (EIO, ENOSPC) or
made deadly (SIGKILL) in a run of its own, from the lock to the last summary. Each run has small and large bodies, gzip
and plain, an old file in each report's place, and one report that has not changed. Writes that take only a part, and
limits on the size of any file, are tried too. Names are the same in all runs, so that `strace` can be told the file.

After each run every report file must be the whole old or the whole new one, what the summary calls saved must have
that size and hash, the exit code must be the contract's, nothing temporary may be left unless the run was killed or not
let remove it, and the next run must mend it all. Ends with 1 if one is not so. Needs Linux, `strace` and the right to
trace.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sfr.emulator import Emulator
from tests.sfr_program import summary, temporaries
from tests.stress.tortured_run import KILL, OLD, PLAIN, ROWS, UNCHANGED, Fault, Scene

FAULTS = ("error=EIO", "error=ENOSPC", KILL)
#: Limits on the size of any file: below the smallest, between the sizes of the reports.
MAX_FILE_LIMIT_BYTES = 700_000
KILLED = -9


@dataclass
class Figures:
    """What all runs together came to."""

    runs: int = 0
    hits: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    #: Faults that came to nothing: that run did not make the call.
    missed: int = 0
    torn: int = 0
    false_successes: int = 0
    exit_codes: Counter[int] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    longest_run_s: float = 0.0
    problems: list[str] = field(default_factory=list)


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.write_torture", description=__doc__)
    parser.add_argument("--count", type=int, default=0, help="faults, drawn at random; default: every one")
    parser.add_argument("--kind", default="", help="only faults of this kind: EIO, ENOSPC, SIGKILL, limit or short")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="of the choice; default: the time")
    arguments = parser.parse_args()
    figures = Figures()
    with Emulator() as org, tempfile.TemporaryDirectory(prefix="sfr-torture-") as directory:
        scene = Scene(Path(directory), org, _add_reports(org))
        faults = [fault for fault in _faults(scene, random.Random(arguments.seed)) if arguments.kind in fault.kind]
        chosen = faults[: arguments.count] if arguments.count else faults
        with suppress(KeyboardInterrupt):  # Ctrl-C: what is known by then
            for fault in chosen:
                _try_fault(scene, fault, figures)
                if len(figures.problems) >= 20:
                    break
    print(f"seed {arguments.seed}: {figures.runs} of {len(faults)} faults, longest run {figures.longest_run_s:.1f} s")
    print(f"injected: {sum(figures.hits.values())} {dict(figures.hits)}; came to nothing: {figures.missed}")
    print(f"by call: {dict(figures.calls)}")
    print(f"reports: {dict(figures.statuses)}; exit codes: {dict(figures.exit_codes)}")
    print(f"torn files: {figures.torn}; false successes: {figures.false_successes}")
    print("\n".join(figures.problems) or "every promise held")
    return 1 if figures.problems else 0


def _add_reports(org: Emulator) -> dict[str, bytes]:
    """Name → what its file has to become."""
    for name, rows in ROWS.items():
        org.add_report(name, rows=rows)
    org.set_rules(*({"report": name, "action": "plain"} for name in PLAIN))
    return {name: b"".join(org.expected_csv(name)) for name in ROWS}


def _faults(scene: Scene, chance: random.Random) -> list[Fault]:
    """Every call of a recorded run on a file below the tree, once for each kind of fault, in random order."""
    config = scene.set_up()
    code = scene.run(config, None, is_traced=True)
    if code != 0:
        raise SystemExit(f"the run without a fault ended with {code}: {(scene.root / 'stderr').read_text()}")
    counts: Counter[tuple[str, str, str]] = Counter()
    places: dict[Fault, None] = {}
    for thread, call, paths in scene.calls():
        for path in paths:
            counts[thread, call, path] += 1
        if paths and paths[-1] != config.name:
            places[Fault("", call, counts[thread, call, paths[-1]], paths[-1])] = None
    faults = [replace(place, kind=kind) for kind in FAULTS for place in places]
    faults += [Fault("limit", number=round(chance.uniform(0, 1) ** 3 * MAX_FILE_LIMIT_BYTES)) for _ in range(40)]
    faults += [Fault("short", number=chance.randrange(1000)) for _ in range(5)]
    chance.shuffle(faults)
    return faults


def _try_fault(scene: Scene, fault: Fault, figures: Figures) -> None:
    began = time.monotonic()
    config, is_traced = scene.set_up(), bool(fault.call)
    try:
        code = scene.run(config, fault, is_traced=is_traced)
        has_hit = not is_traced or _has_hit(scene)
        problems = _judge(scene, fault, code, figures)
        if scene.run(config, None) != 0:
            problems.append("the next run did not succeed")
        problems += [f"{name} is not whole after the next run" for name in ROWS if not _is(scene, name, "new")]
        problems += _leftovers(scene, "after the next run")
        problems += [f"the note {path.name} is left" for path in (scene.tree / "out" / ".sfr").glob("run-*")]
    except subprocess.TimeoutExpired:
        code, has_hit, problems = 0, False, ["did not end"]
    figures.runs += 1
    figures.exit_codes[code] += 1
    figures.longest_run_s = max(figures.longest_run_s, time.monotonic() - began)
    if has_hit:
        figures.hits[fault.kind] += 1
        figures.calls[fault.call or fault.kind] += 1
    else:
        figures.missed += 1
    for problem in problems:
        figures.problems.append(f"{fault}: {problem}")
        print(figures.problems[-1], file=sys.stderr, flush=True)


def _has_hit(scene: Scene) -> bool:
    trace = (scene.root / "trace").read_text(errors="replace")
    return "(INJECTED)" in trace or "killed by SIGKILL" in trace


def _judge(scene: Scene, fault: Fault, code: int, figures: Figures) -> list[str]:
    """What is not as promised after the run with the fault."""
    problems = []
    for name in ROWS:
        if not (_is(scene, name, "new") or _is(scene, name, "old")):
            figures.torn += 1
            problems.append(f"{name} is torn")
    path = scene.tree / "out" / "summary_report.json"
    reports = summary(path) if path.exists() else {}
    for name, report in reports.items():
        figures.statuses[report["error"] or report["status"]] += 1
        if report["status"] != "failed" and not _is_as_told(scene, name, report):
            figures.false_successes += 1
            problems.append(f"{name} is {report['status']}, but not there")
        elif report["error"] not in (None, "worker" if fault.kind == KILL else "disk"):
            problems.append(f"{name} ended as {report['error']}: {report['message']}")
    if code == KILLED:
        return problems
    if code == 0 and not (reports and all(report["valid"] for report in reports.values())):
        figures.false_successes += 1
        problems.append("exit code 0 without a summary of nothing but saved reports")
    if reports and json.loads(path.read_text())["run"]["exit_code"] != code:
        problems.append(f"exit code {code} is not the summary's")
    problems += _judge_end(scene, fault, code, reports)
    # What the system refuses to remove is the next run's to remove.
    problems += _leftovers(scene, "after the run") if fault.kind != KILL and fault.call != "unlink" else []
    return problems


def _judge_end(scene: Scene, fault: Fault, code: int, reports: dict[str, dict[str, Any]]) -> list[str]:
    """The exit code and the streams of a run that ended by itself."""
    problems = []
    failed = sum(not report["valid"] for report in reports.values())
    if reports and code != (5 if failed == len(ROWS) else 4 if failed else code):
        problems.append(f"exit code {code} with {failed} failed reports")
    if code not in ((0,) if fault.kind == "short" else (0, 4, 5)):
        problems.append(f"exit code {code}")
    if "Traceback" in (said := (scene.root / "stderr").read_text(errors="replace")):
        problems.append(f"a traceback: {said[-1500:]}")
    return problems


def _is(scene: Scene, name: str, which: str) -> bool:
    wanted = scene.new[name] if which == "new" or name == UNCHANGED else OLD
    return scene.file(name).read_bytes() == wanted


def _is_as_told(scene: Scene, name: str, report: dict[str, Any]) -> bool:
    content = scene.file(name).read_bytes()
    told = (report["size_bytes"], report["sha256"])
    return _is(scene, name, "new") and told == (len(content), hashlib.sha256(content).hexdigest())


def _leftovers(scene: Scene, when: str) -> list[str]:
    """Temporaries of runs."""
    left = temporaries(scene.tree / "out", scene.tree / "elsewhere")
    return [f"{path.name} is left {when}" for path in left]


if __name__ == "__main__":
    raise SystemExit(main())
