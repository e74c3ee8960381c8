"""Notices other programs on the machine: a run that they took part in is no measurement.

Counts the CPU time of the whole machine (user and system, and what a hypervisor took away) less that of our own
processes.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
#: Fields of the first line of /proc/stat: user, nice, system, steal.
_COUNTED = (1, 2, 3, 8)
#: Share of the machine that others may use while a program is measured.
LARGEST_SHARE = 0.04
#: How long one look takes.
LOOK_S = 0.25


class Witness:
    """Looks at the machine from its making on."""

    def __init__(self) -> None:
        self._began_s = time.perf_counter()
        self._busy_s = _busy_s()
        self._servers_s = _descendants_s()

    def others_share(self, program_cpu_s: float) -> float:
        """Share of the machine's CPU time that other programs used; `program_cpu_s` is what the ended program did."""
        passed_s = time.perf_counter() - self._began_s
        ours_s = program_cpu_s + _descendants_s() - self._servers_s
        others_s = _busy_s() - self._busy_s - ours_s
        return max(0.0, others_s / passed_s / (os.cpu_count() or 1))


def wait_for_quiet(patience_s: float) -> None:
    """Return once nobody else works, or when patience is at its end."""
    give_up = time.monotonic() + patience_s
    while time.monotonic() < give_up:
        witness = Witness()
        time.sleep(LOOK_S)
        if witness.others_share(0.0) <= LARGEST_SHARE:
            return


def _busy_s() -> float:
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return sum(int(fields[index]) for index in _COUNTED) / _TICKS_PER_S


def _descendants_s() -> float:
    """CPU time of this process and of all its living descendants."""
    found, total = [os.getpid()], 0
    for pid in found:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found.extend(map(int, children.read_text().split()))
        except OSError:
            continue  # it ended meanwhile
    return total / _TICKS_PER_S
