"""A memory cgroup for one program, under cgroup v2 or v1, where this process may make one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.process_run import Command

ROOT = Path("/sys/fs/cgroup")
REMOVE_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class MemoryCgroup:
    """A cgroup with a limit; counts what the kernel did to keep it."""

    directory: Path
    version: int

    def around(self, command: Command) -> Command:
        """The same program, started inside."""
        enter = ("sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.directory / "cgroup.procs"))
        return replace(command, arguments=enter + command.arguments)

    def out_of_memory_kills(self) -> int:
        """How many of its processes the kernel killed."""
        events = self.directory / ("memory.events" if self.version == 2 else "memory.oom_control")
        counts = dict(line.split() for line in events.read_text().splitlines())
        return int(counts.get("oom_kill", 0))

    def peak_bytes(self) -> int | None:
        """The most memory it had, the file cache included; None where the kernel does not say."""
        path = self.directory / ("memory.peak" if self.version == 2 else "memory.max_usage_in_bytes")
        return int(path.read_text()) if path.exists() else None


@contextmanager
def limited(limit_bytes: int) -> Iterator[MemoryCgroup | None]:
    """Make a cgroup with this limit and no swap, and remove it at the end; None where that is not permitted."""
    cgroup = _made(limit_bytes)
    try:
        yield cgroup
    finally:
        if cgroup:
            _remove(cgroup.directory)


def _remove(directory: Path) -> None:
    """Its last process may take a moment to be gone."""
    give_up = time.monotonic() + REMOVE_TIMEOUT_S
    while True:
        try:
            directory.rmdir()
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)
        else:
            return


def _made(limit_bytes: int) -> MemoryCgroup | None:
    name = f"sfr-bench-{os.getpid()}"
    try:
        if (ROOT / "memory").is_dir():
            return _version_1(ROOT / "memory" / name, limit_bytes)
        if "memory" in (ROOT / "cgroup.controllers").read_text():
            return _version_2(ROOT / name, limit_bytes)
    except OSError:
        return None
    return None


def _version_1(directory: Path, limit_bytes: int) -> MemoryCgroup:
    directory.mkdir()
    try:
        (directory / "memory.limit_in_bytes").write_text(str(limit_bytes))
        with_swap = directory / "memory.memsw.limit_in_bytes"
        if with_swap.exists():
            with_swap.write_text(str(limit_bytes))
    except OSError:
        directory.rmdir()
        raise
    return MemoryCgroup(directory, 1)


def _version_2(directory: Path, limit_bytes: int) -> MemoryCgroup:
    (ROOT / "cgroup.subtree_control").write_text("+memory")
    directory.mkdir()
    try:
        (directory / "memory.max").write_text(str(limit_bytes))
        swap = directory / "memory.swap.max"
        if swap.exists():
            swap.write_text("0")
    except OSError:
        directory.rmdir()
        raise
    return MemoryCgroup(directory, 2)
