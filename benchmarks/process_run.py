"""Runs one program and measures it: wall time, CPU time of its process tree, and its peak memory if requested.

Time and memory are never measured in the same run: sampling costs CPU time.
"""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.quiet import Witness

#: Pause between two looks at the memory of the process tree.
SAMPLE_PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: arguments, working directory and additional environment variables."""

    arguments: tuple[str, ...]
    directory: Path
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one run; CPU time is that of the process and of all descendants that were waited for."""

    wall_s: float
    cpu_s: float
    #: Share of the machine that other programs had meanwhile.
    others_share: float


def timed(command: Command) -> Timing:
    """Run to the end; stops the benchmark if the program fails."""
    log = command.directory / "program.log"
    with log.open("wb") as output:
        witness = Witness()
        began = time.perf_counter()
        process = _start(command, output.fileno())
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    _require_success(command, process.returncode, log)
    cpu_s = usage.ru_utime + usage.ru_stime
    return Timing(wall_s, cpu_s, witness.others_share(cpu_s))


def peak_pss_bytes(command: Command) -> int:
    """Run to the end; the largest sum of the proportional set sizes of the process tree that was seen."""
    log = command.directory / "program.log"
    peak = 0
    with log.open("wb") as output:
        process = _start(command, output.fileno())
        while process.poll() is None:
            peak = max(peak, sum(map(_pss_bytes, _tree(process.pid))))
            time.sleep(SAMPLE_PAUSE_S)
    _require_success(command, process.returncode, log)
    return peak


def _start(command: Command, output: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command.arguments,
        cwd=command.directory,
        env=_environment(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
    )


def _environment(command: Command) -> dict[str, str]:
    """Ours, except that Python may keep its bytecode, as it does for whoever installs a program."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **command.environment}


def _require_success(command: Command, exit_code: int, log: Path) -> None:
    if exit_code != 0:
        program = " ".join(command.arguments[:6])
        said = log.read_text(errors="replace")[-3000:]
        raise SystemExit(f"bench: exit code {exit_code} of: {program} …\n{said}")


def _tree(pid: int) -> list[int]:
    found = [pid]
    for parent in found:
        for children in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found.extend(map(int, children.read_text().split()))
            except OSError:
                continue  # the thread or its process ended meanwhile
    return found


def _pss_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/smaps_rollup") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # it ended meanwhile
    return 0
