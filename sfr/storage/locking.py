"""File locks that the kernel releases when the process ends, so that none can be stale."""

from __future__ import annotations

from sfr.storage.unsupported import HELD, LOCK, attempt


def try_lock(descriptor: int, path: str) -> bool:
    """Lock an open file without waiting; False if another process holds the lock.

    Raises UnsupportedError if the file system has no locks, ImportError if the operating system has none, and OSError.
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
