"""File locks that the kernel releases when the process ends, so that none can be stale."""

from __future__ import annotations

import os
import sys

from sfr.storage.unsupported import HELD, LOCK, attempt

#: On Windows nobody else can read what is locked: one byte is, beyond anything that is written into a lock file.
WINDOWS_LOCK_AT = 1 << 30


def try_lock(descriptor: int, path: str) -> bool:
    """Lock an open file without waiting; False if another process holds the lock.

    Raises UnsupportedError if the file system has no locks, ImportError if the operating system has none, and OSError.
    Not covered: two hosts on one network file system (docs/operations.md).
    """
    try:
        attempt(LOCK, path, lambda: _lock(descriptor))
    except OSError as error:
        if error.errno in HELD:
            return False
        raise
    return True


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, WINDOWS_LOCK_AT, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
