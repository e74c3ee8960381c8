"""`python -m tests.stress.small_machine`: very many reports of 1 MB in a memory cgroup of 256 MB, workers included.

Everything must be saved, byte for byte right, and the kernel must kill nothing. Prints the most memory that the main
process and each worker had. Needs root and a memory cgroup of version 1 or 2. Ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil
import yaml

from benchmarks.memory_cgroup import MemoryCgroup, limited
from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT, configure, start, summary, temporaries

LIMIT_BYTES = 256_000_000
REPORT_BYTES = 1_000_000
#: Exports that the org has; the list asks for each of them very often, under other names.
EXPORTS = 10
LOOK_EVERY_S = 0.1
MAX_RUN_S = 3_600


def main() -> int:
    """0 if every promise held."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress.small_machine", description=__doc__)
    parser.add_argument("--reports", type=int, default=2000, help="in the one run; default %(default)s")
    count = parser.parse_args().reports
    with limited(LIMIT_BYTES) as cgroup, tempfile.TemporaryDirectory(prefix="sfr-small-") as made, Emulator() as org:
        if cgroup is None:
            print("skipped: this user may not make a memory cgroup here")
            return 0
        digests = _add_reports(org)
        config = _configure(Path(made), org, list(digests), count)
        began = time.monotonic()
        code, largest = _run(config, cgroup)
        took_s = time.monotonic() - began
        kills = cgroup.out_of_memory_kills()
        problems = _judge(Path(made) / "out", digests, count)
    if code != 0:
        problems.append(f"exit code {code}")
    if kills:
        problems.append(f"{kills} processes were killed for memory")
    print(f"{count} reports of {REPORT_BYTES / 1e6:g} MB in {LIMIT_BYTES / 1e6:g} MB: {took_s:.0f} s, exit code {code}")
    print(f"most memory: {', '.join(f'{who} {size / 1e6:.1f} MB' for who, size in sorted(largest.items()))}")
    print("\n".join(problems) or "every promise held")
    return 1 if problems else 0


def _add_reports(org: Emulator) -> dict[str, str]:
    """Name → SHA-256 of its file."""
    digests = {}
    for number in range(EXPORTS):
        name = f"Small {number}"
        org.add_report(name, size_bytes=REPORT_BYTES)
        digests[name] = hashlib.sha256(b"".join(org.expected_csv(name))).hexdigest()
    return digests


def _configure(directory: Path, org: Emulator, exports: list[str], count: int) -> Path:
    path = configure(directory, org, [(name, directory / "out") for name in exports])
    config = yaml.safe_load(path.read_text())
    items = config["reports"]["items"]
    config["reports"]["items"] = [
        {**items[number % len(items)], "report_file_name": f"{number:05}"} for number in range(count)
    ]
    path.write_text(yaml.safe_dump(config))
    return path


def _run(config: Path, cgroup: MemoryCgroup) -> tuple[int, Counter[str]]:
    """The exit code, and the most memory that each kind of process had."""
    enter = (
        f"import os, runpy; open({str(cgroup.directory / 'cgroup.procs')!r}, 'w').write(str(os.getpid()));"
        f" runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    process = start(config, program=("-c", enter))
    main_process, largest, give_up = psutil.Process(process.pid), Counter[str](), time.monotonic() + MAX_RUN_S
    while time.monotonic() < give_up:
        for each, who in _family(main_process):
            try:
                largest[who] = max(largest[who], each.memory_info().rss)
            except psutil.Error:
                pass
        try:
            return process.wait(LOOK_EVERY_S), largest
        except subprocess.TimeoutExpired:
            pass
    process.kill()
    return process.wait(), largest


def _family(main_process: psutil.Process) -> list[tuple[psutil.Process, str]]:
    try:
        children = main_process.children()
    except psutil.NoSuchProcess:
        return []
    family = [(main_process, "main")]
    for child in children:
        try:
            is_worker = any("spawn_main" in argument for argument in child.cmdline())
        except psutil.Error:
            continue
        family.append((child, "worker" if is_worker else "helper"))
    return family


def _judge(out: Path, digests: dict[str, str], count: int) -> list[str]:
    """What is not as promised."""
    reports, exports = summary(out / "summary_report.json"), list(digests)
    problems = [] if len(reports) == count else [f"the summary has {len(reports)} reports"]
    for name, report in reports.items():
        digest = digests[exports[int(name) % len(exports)]]
        if report["status"] != "saved" or report["sha256"] != digest or _digest(out / f"{name}.csv") != digest:
            problems.append(f"{name} ended as {report['status']}/{report['error']}, or is not whole")
    return problems + [f"{left.name} is left" for left in temporaries(out)]


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
