"""Checks before the first fetch whether the disks have room for a run, judging by the previous sizes of its reports.

Only warns: sizes may have changed, other programs write to the same disks, and whatever fits is saved anyway. A report
that was never saved counts as 0 bytes. Does not check inodes or quotas.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from sfr.storage.spool import SPOOLED_FROM_BYTES
from sfr.terminal.figures import counted, size

if TYPE_CHECKING:
    from sfr.model import Baseline, Report


def free_bytes(directory: str) -> int | None:
    """Free space for unprivileged users; None if the file system does not report it. Raises OSError."""
    usage = shutil.disk_usage(directory)
    return usage.free if usage.total else None


def shortages(
    reports: Iterable[tuple[Report, Baseline | None]],
    at_once: int,
    free_bytes: Callable[[str], int | None] = free_bytes,
) -> tuple[str, ...]:
    """A warning for each file system that has less free space than its reports may need.

    at_once: how many reports may be written at the same time. The directories should exist.
    """
    by_device: defaultdict[int, list[tuple[Report, Baseline]]] = defaultdict(list)
    devices: dict[str, int | None] = {}
    for report, baseline in reports:
        if report.directory not in devices:
            devices[report.directory] = _device(report.directory)
        device = devices[report.directory]
        if baseline is not None and baseline.size_bytes is not None and device is not None:
            by_device[device].append((report, baseline))
    found = (_shortage(known, at_once, free_bytes) for known in by_device.values())
    return tuple(sentence for sentence in found if sentence)


def _shortage(
    known: Sequence[tuple[Report, Baseline]], at_once: int, free_bytes: Callable[[str], int | None]
) -> str | None:
    """The warning about one file system, if any."""
    directories = list(dict.fromkeys(report.directory for report, _ in known))
    try:
        free = free_bytes(directories[0])
    except OSError:
        return None
    needed = _needed_bytes(known, at_once)
    if free is None or free >= needed:
        return None
    place = directories[0] if len(directories) == 1 else f"{directories[0]} and {len(directories) - 1:,} more"
    last_time = size(sum(baseline.size_bytes or 0 for _, baseline in known))
    return (
        f"The file system {_mount_point(directories[0])} (with {place}) has {size(free)} free, but this run may need "
        f"{size(needed)}: {counted(len(known), 'report')} took {last_time} last time, and each new file is written "
        "beside the old one. Reports that do not fit will fail as `disk`: free space there, or give reports another "
        "`report_path`."
    )


def _needed_bytes(known: Sequence[tuple[Report, Baseline]], at_once: int) -> int:
    """The growth of the report files, plus the maximum size of temporary files at any time."""
    growth_bytes, temporary_sizes = 0, []
    for report, baseline in known:
        new_bytes = baseline.size_bytes or 0
        grown_bytes = max(0, new_bytes - _old_bytes(report.path))
        growth_bytes += grown_bytes
        temporary_sizes.append(new_bytes - grown_bytes + _spooled_bytes(report, baseline))
    return growth_bytes + sum(sorted(temporary_sizes, reverse=True)[:at_once])


def _spooled_bytes(report: Report, baseline: Baseline) -> int:
    """Size of the spool file beside the new file: 0 for an inline body, or if the spool file becomes the report."""
    received_bytes = baseline.received_bytes or 0
    is_in_place = report.format == "csv" and received_bytes >= (baseline.size_bytes or 0)
    return 0 if is_in_place or received_bytes < SPOOLED_FROM_BYTES else received_bytes


def _old_bytes(path: str) -> int:
    """Space that replacing the file will free."""
    try:
        status = os.lstat(path)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else 0


def _device(directory: str) -> int | None:
    try:
        return os.stat(directory).st_dev
    except OSError:
        return None


def _mount_point(directory: str) -> str:
    path = os.path.realpath(directory)
    while not os.path.ismount(path):
        path = os.path.dirname(path)
    return path
