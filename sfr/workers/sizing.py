"""Chooses the number of worker processes, from the CPU and memory this process may use rather than what the host has.

psutil reports the host; a service may be limited further (CPU affinity, cgroup quota, memory limit), so both are read
and the smaller one counts. What cannot be read does not limit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

#: A worker's own memory including its blocks (measured: 9 to 12 MB; the Parquet writer needs more).
WORKER_BYTES = 24 * 1024 * 1024
#: Where neither affinity nor psutil gives a number of CPU threads.
DEFAULT_COUNT = 2

_UNLIMITED_V1_BYTES = 1 << 60


def worker_count(root: Path = Path("/")) -> int:
    """Half the usable CPU threads, rounded down, no more than free memory allows, never less than 1.

    root: parent of `/proc` and `/sys`, so that tests can provide both cgroup versions.
    """
    threads = usable_cpu_threads(root)
    count = DEFAULT_COUNT if threads is None else int(threads / 2)
    free_bytes = free_memory_bytes(root)
    if free_bytes is not None:
        count = min(count, free_bytes // WORKER_BYTES)
    return max(1, count)


def usable_cpu_threads(root: Path = Path("/")) -> float | None:
    """CPU threads this process may use, by affinity and cgroup quota (may be a fraction). None: unknown."""
    if hasattr(os, "sched_getaffinity"):
        available: float | None = len(os.sched_getaffinity(0))
    else:
        import psutil

        available = psutil.cpu_count()
    quotas = [quota for directory in _cgroup_directories(root, "cpu") if (quota := _cpu_quota(directory)) is not None]
    limits = [*quotas, *([available] if available else [])]
    return min(limits) if limits else None


def free_memory_bytes(root: Path = Path("/")) -> int | None:
    """Memory this process may still allocate, on the host and in its cgroups (page cache counts as free)."""
    import psutil

    limits = [
        free for directory in _cgroup_directories(root, "memory") if (free := _memory_left(directory)) is not None
    ]
    try:
        limits.append(psutil.virtual_memory().available)
    except OSError:  # /proc/meminfo is hidden by some sandboxes
        pass
    return max(0, min(limits)) if limits else None


def _cgroup_directories(root: Path, controller: str) -> Iterator[Path]:
    """The directories of this process's cgroup and its ancestors, for one controller, version 2 or 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            base = root / "sys/fs/cgroup"
        elif controller in controllers.split(","):
            base = root / "sys/fs/cgroup" / controller
        else:
            continue
        parts = Path(path.lstrip("/")).parts
        for depth in range(len(parts), -1, -1):
            yield base.joinpath(*parts[:depth])


def _cpu_quota(directory: Path) -> float | None:
    """CPU quota of a cgroup, in CPU threads; None where it sets no limit."""
    quota, period = ([*_words(directory / "cpu.max"), "", ""])[:2]
    if not quota:
        quota, period = ((_words(directory / name) or [""])[0] for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
    if not (quota.isdigit() and period.isdigit() and int(period)):
        return None
    return int(quota) / int(period)


def _memory_left(directory: Path) -> int | None:
    """Bytes left in a cgroup, reclaimable page cache included; None where it sets no limit."""
    for limit_name, used_name, cache_key in (
        ("memory.max", "memory.current", "inactive_file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit, used = (_words(directory / name) for name in (limit_name, used_name))
        if limit and used and limit[0].isdigit() and int(limit[0]) < _UNLIMITED_V1_BYTES:
            words = _words(directory / "memory.stat")
            cache = dict(zip(words[::2], words[1::2], strict=False)).get(cache_key, "0")
            return int(limit[0]) - int(used[0]) + int(cache)
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except (OSError, ValueError):
        return []
