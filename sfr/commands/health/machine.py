"""Checks what a run needs of this machine: disk, lock, history, and installed packages. Creates nothing."""

from __future__ import annotations

import os
import sys

from sfr.commands.health.base import Finding, SetUp, Status
from sfr.formats import FORMATS
from sfr.history.file import open_database
from sfr.storage.disk_space import free_bytes
from sfr.storage.locking import try_lock
from sfr.storage.trusted import open_own
from sfr.terminal.figures import size

#: Less free space than this is a reason to look.
FEW_BYTES = 1024**3
#: Not even summaries and small reports are safe below this.
TOO_FEW_BYTES = 50 * 1024**2


def check_disk(set_up: SetUp) -> Finding:
    """Whether the directories of the reports, and `/dev/shm`, can be written to, and the former have space."""
    assert set_up.config is not None and set_up.reports is not None  # noqa: S101, PT018 - see `CHECKS`
    directories = dict.fromkeys([set_up.config.output.directory, *(report.directory for report in set_up.reports)])
    places = dict.fromkeys(map(_existing, directories))
    files = [place for place in places if not os.path.isdir(place)]
    if files:
        remedy = "Correct `output.directory`, or the row's `report_path`."
        return Finding("disk", Status.FAIL, f"not a directory: {', '.join(files)}", remedy)
    # Where Linux keeps the semaphores of the workers' queue.
    needed = [*places, *(["/dev/shm"] if sys.platform == "linux" else [])]  # noqa: S108 - only looked at
    closed = [place for place in needed if not os.access(place, os.W_OK | os.X_OK)]
    if closed:
        remedy = "Give the user that runs SFR write permission."
        return Finding("disk", Status.FAIL, f"may not be written to: {', '.join(closed)}", remedy)
    try:
        free = {place: free for place in places if (free := free_bytes(place)) is not None}
    except OSError as error:
        return Finding("disk", Status.WARN, f"free space is unknown: {error.strerror}", "Look at the file system.")
    if not free:
        return Finding("disk", Status.OK, "writable; the file system does not say how much is free")
    place = min(free, key=lambda one: free[one])
    message = f"{size(free[place])} free in {place}"
    if free[place] < FEW_BYTES:
        status = Status.FAIL if free[place] < TOO_FEW_BYTES else Status.WARN
        return Finding("disk", status, message, "Free some disk space.")
    return Finding("disk", Status.OK, message)


def check_lock(set_up: SetUp) -> Finding:
    """Whether another run is active in the output directory."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    path = set_up.config.lock_path
    try:
        descriptor = open_own(path, os.O_RDWR)
    except FileNotFoundError:
        return Finding("lock", Status.OK, "free: no run yet")
    except NotADirectoryError:
        return Finding("lock", Status.SKIP, "the output directory is not a directory")
    except OSError as error:
        return Finding("lock", Status.FAIL, f"{path}: {error.strerror}", "Remove it, once you know who made it.")
    try:
        is_free = try_lock(descriptor, path)
    except OSError as error:
        return Finding("lock", Status.FAIL, f"{path}: {error.strerror}", "Keep the output directory on a local disk.")
    finally:
        os.close(descriptor)
    if is_free:
        return Finding("lock", Status.OK, "free")
    remedy = "Wait for it: a second run ends with exit code 6."
    return Finding("lock", Status.WARN, "another run with this output directory is active", remedy)


def check_history(set_up: SetUp) -> Finding:
    """Whether the history can be read."""
    assert set_up.config is not None  # noqa: S101 - see `CHECKS`
    path = set_up.config.history_path
    if not os.path.lexists(path):
        return Finding("history", Status.OK, "none yet: the first run makes it")
    database = open_database(path, read_only=True)
    if database is None:
        remedy = f"Move {path} away; the next run makes a new one. Without it --resume and guards know no earlier run."
        return Finding("history", Status.WARN, f"{path} cannot be used", remedy)
    database.close()
    return Finding("history", Status.OK, "readable")


def check_extras(set_up: SetUp) -> Finding:
    """Whether the packages are installed that the formats of the listed reports need."""
    assert set_up.reports is not None  # noqa: S101 - see `CHECKS`
    # Salesforce makes the workbooks of `route: excel`.
    formats = dict.fromkeys(report.format for report in set_up.reports if report.route != "excel")
    missing = [message for name in formats if (message := FORMATS[name].missing_extra()) is not None]
    if missing:
        return Finding("extras", Status.FAIL, "; ".join(missing), "Install what is missing.")
    return Finding("extras", Status.OK, f"installed, for {', '.join(formats) or 'no format'}")


def _existing(directory: str) -> str:
    """The path, or the nearest one above it that exists: where the directory would be made."""
    while not os.path.exists(directory) and os.path.dirname(directory) != directory:
        directory = os.path.dirname(directory)
    return directory
