"""Classifies errors of file systems that lack a feature (SMB, exFAT, S3 mounts): continue without it, or fail.

An errno that is not in the table is an actual failure of the operation (EIO, ENOSPC, EDQUOT, EROFS …) and is raised
unchanged. Sources: open(2), fsync(2), chmod(2), flock(2), rename(2), fallocate(2); PostgreSQL's
`fsync_fname_ext` for directories.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

from sfr.storage.errors import UnsupportedError

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

#: "Not supported", for every operation.
_UNKNOWN = frozenset({errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOTTY})
#: flock: another process holds the lock. SMB answers a conflict with EACCES.
HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})


@dataclass(frozen=True, slots=True)
class Limitation:
    """Error codes by which a file system says that it does not support an operation."""

    operation: str
    errnos: frozenset[int]
    #: True: SFR continues without it.
    is_optional: bool
    #: Completes "The file system of X …".
    meaning: str
    #: Consequences and advice for the user; empty if there are none, and then there is no warning.
    remedy: str


_LOCAL_DISK = "Save the reports on a local disk (`report_path`), and copy them to the share from there."

#: An operation may have several entries.
LIMITATIONS = (
    Limitation(
        SET_MODE,
        # EPERM and EACCES too: SFR changes only its own files, for which POSIX allows no refusal.
        _UNKNOWN | {errno.EPERM, errno.EACCES},
        is_optional=True,
        meaning="does not support permissions",
        remedy="Who may read files there depends on its mount options (`file_mode`, `umask`, `uid`).",
    ),
    Limitation(
        SYNC_FILE,
        _UNKNOWN,
        is_optional=True,
        meaning="does not sync files",
        remedy="After a power cut a new file there may be incomplete.",
    ),
    Limitation(
        SYNC_DIRECTORY,
        _UNKNOWN | {errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM},
        is_optional=True,
        meaning="does not sync directories",
        remedy="After a power cut the old file may be there again.",
    ),
    Limitation(
        RESERVE,
        _UNKNOWN | {errno.ENODEV, errno.EPERM, errno.ESPIPE},
        is_optional=True,
        meaning="does not reserve space",
        remedy="",
    ),
    Limitation(
        TRUNCATE,
        _UNKNOWN | {errno.EPERM},
        is_optional=False,
        meaning="cannot shorten a file",
        remedy=_LOCAL_DISK,
    ),
    Limitation(
        RENAME,
        _UNKNOWN | {errno.EXDEV, errno.EEXIST},
        is_optional=False,
        meaning="cannot rename a file over another, or does not allow this name",
        remedy=_LOCAL_DISK,
    ),
    Limitation(
        RENAME,
        frozenset({errno.EBUSY, errno.ETXTBSY}),
        is_optional=False,
        meaning="does not replace a file while another program has it open",
        remedy="Close the report in the other program (perhaps a spreadsheet), and run again.",
    ),
    Limitation(
        LOCK,
        _UNKNOWN | {errno.ENOLCK, errno.EPERM, errno.EBADF},
        is_optional=False,
        meaning="has no file locks",
        remedy="Keep `output.directory` on a local disk; reports may still go to a share by their `report_path`.",
    ),
)


@dataclass(frozen=True, slots=True)
class UnsupportedFeature:
    """An operation that a file system does not support and that was skipped. Picklable; sent by workers."""

    directory: str
    operation: str
    #: The operating system's error message.
    reason: str


def attempt(operation: str, path: str, call: Callable[[], object]) -> UnsupportedFeature | None:
    """Call it for the file at `path`; returns the feature if it is unsupported but optional, None after success.

    Raises UnsupportedError for a required feature, and every other OSError unchanged.
    """
    try:
        call()
    except OSError as error:
        found = limitation(operation, error)
        if found is None:
            raise
        reason = error.strerror or str(error)
        if not found.is_optional:
            raise UnsupportedError(
                error.errno or 0, f"its file system {found.meaning} ({reason})", path, found.remedy
            ) from error
        return UnsupportedFeature(os.path.dirname(path) or ".", operation, reason)
    return None


def limitation(operation: str, error: OSError) -> Limitation | None:
    """The limitation that the error indicates; None: it is an actual failure."""
    return next((each for each in LIMITATIONS if each.operation == operation and error.errno in each.errnos), None)
