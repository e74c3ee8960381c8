"""Errors of files and file systems that carry their own advice; each is an OSError."""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind


class FileError(OSError):
    """A file or a file system that SFR cannot use. `strerror` says why in words, `remedy` what the user can do."""

    def __init__(self, code: int, reason: str, path: str, remedy: str) -> None:
        super().__init__(code, reason, path)
        self.remedy = remedy


class UntrustedFileError(FileError):
    """Under a name of SFR's lies a link, a pipe or another user's file, which was left untouched."""


class UnsupportedError(FileError):
    """The file system cannot do what SFR cannot do without."""


def reason_of(error: OSError) -> str:
    """Why, in words, with the file's name where the error is about one that the user may not expect."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if isinstance(error, FileError) else reason


def remedy_of(error: OSError) -> str:
    """What the user can do about it."""
    return error.remedy if isinstance(error, FileError) else REMEDIES[ErrorKind.DISK]
