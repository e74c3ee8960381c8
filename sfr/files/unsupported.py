"""What a file system may not support (SMB, exFAT, S3 mounts), by operation and errno: left out, or a reason to stop.

An errno that is not in the table is a failure of an operation that the file system does support (EIO, ENOSPC, EDQUOT,
EROFS …) and is raised as it is. Sources: open(2), fsync(2), chmod(2), flock(2), rename(2), fallocate(2); PostgreSQL's
`fsync_fname_ext` for directories.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from sfr.files.errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SET_MODE = "set_mode"
SYNC_FILE = "sync_file"
SYNC_DIRECTORY = "sync_directory"
RESERVE = "reserve"
TRUNCATE = "truncate"
RENAME = "rename"
LOCK = "lock"

#: "Not here", in every operation.
_UNKNOWN = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY})
#: flock: another process holds the lock. SMB answers a conflict with EACCES.
HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})


@dataclass(frozen=True, slots=True)
class Limitation:
    """Answers of a file system to one operation that mean that it does not support it."""

    operation: str
    errnos: frozenset[int]
    #: True: the file is written without it.
    is_left_out: bool
    #: Completes "The file system of X …".
    meaning: str
    #: What follows for the user, and what to do; empty where nothing does, and nothing is said.
    remedy: str


_LOCAL_DISK = "Save the reports on a local disk (`report_path`), and copy them to the share from there."

#: An operation may have several entries.
LIMITATIONS = (
    Limitation(
        SET_MODE,
        # EPERM and EACCES too: SFR changes only what it has made itself, where POSIX knows no refusal.
        _UNKNOWN | {errno.EPERM, errno.EACCES},
        is_left_out=True,
        meaning="does not take permissions",
        remedy="Who may read files there is up to its mount options (`file_mode`, `umask`, `uid`).",
    ),
    Limitation(
        SYNC_FILE,
        _UNKNOWN,
        is_left_out=True,
        meaning="does not sync files",
        remedy="After a power cut a new file there may be incomplete.",
    ),
    Limitation(
        SYNC_DIRECTORY,
        _UNKNOWN | {errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM},
        is_left_out=True,
        meaning="does not sync directories",
        remedy="After a power cut the old file may be there again.",
    ),
    Limitation(
        RESERVE,
        _UNKNOWN | {errno.ENODEV, errno.EPERM, errno.ESPIPE},
        is_left_out=True,
        meaning="does not reserve space",
        remedy="",
    ),
    Limitation(
        TRUNCATE,
        _UNKNOWN | {errno.EPERM},
        is_left_out=False,
        meaning="cannot shorten a file",
        remedy=_LOCAL_DISK,
    ),
    Limitation(
        RENAME,
        _UNKNOWN | {errno.EXDEV, errno.EEXIST},
        is_left_out=False,
        meaning="cannot rename a file over another, or does not take this name",
        remedy=_LOCAL_DISK,
    ),
    Limitation(
        RENAME,
        frozenset({errno.EBUSY, errno.ETXTBSY}),
        is_left_out=False,
        meaning="does not replace a file while another program has it open",
        remedy="Close the report there (a spreadsheet program holds it), and run again.",
    ),
    Limitation(
        LOCK,
        _UNKNOWN | {errno.ENOLCK, errno.EPERM, errno.EBADF},
        is_left_out=False,
        meaning="has no file locks",
        remedy="Keep `output.directory` on a local disk; reports may still go to a share by their `report_path`.",
    ),
)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An operation that a file system does not support and that was left out. Travels from workers as it is."""

    directory: str
    operation: str
    #: The operating system's words.
    reason: str


def attempt(operation: str, path: str, call: Callable[[], object]) -> LeftOut | None:
    """Do it to the file at `path`; what is returned was left out, since its file system does not support it.

    Raises UnsupportedError where that cannot be left out, and every other OSError as it is.
    """
    try:
        call()
    except OSError as error:
        found = limitation(operation, error)
        if found is None:
            raise
        reason = error.strerror or str(error)
        if not found.is_left_out:
            raise UnsupportedError(
                error.errno or 0, f"its file system {found.meaning} ({reason})", path, found.remedy
            ) from error
        return LeftOut(os.path.dirname(path) or ".", operation, reason)
    return None


def limitation(operation: str, error: OSError) -> Limitation | None:
    """What the error means for the operation; None: it is a failure."""
    return next((each for each in LIMITATIONS if each.operation == operation and error.errno in each.errnos), None)
