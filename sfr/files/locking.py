"""Locks that the kernel frees with the process, so that a stale one cannot exist."""

from __future__ import annotations

from sfr.files.unsupported import HELD, LOCK, attempt


def try_lock(descriptor: int, path: str) -> bool:
    """Take the lock of an open file, without a wait; False if another process holds it.

    Raises UnsupportedError where the file system has no locks, OSError, and ImportError where the system has none.
    Not covered: two hosts on one network file system (docs/operations.md).
    """
    import fcntl

    def lock() -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    try:
        attempt(LOCK, path, lock)
    except OSError as error:
        if error.errno in HELD:
            return False
        raise
    return True
