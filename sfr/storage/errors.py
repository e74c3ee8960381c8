"""OSErrors of files and file systems that carry a remedy for the user."""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind


class FileError(OSError):
    """A file or a file system that SFR cannot use. `strerror` is the reason, `remedy` what the user can do."""

    def __init__(self, code: int, reason: str, path: str, remedy: str) -> None:
        super().__init__(code, reason, path)
        self.remedy = remedy


class UntrustedFileError(FileError):
    """In place of a file of SFR there is a link, a pipe or another user's file, which was left untouched."""


class UnsupportedError(FileError):
    """The file system lacks a feature that SFR requires."""


def reason_of(error: OSError) -> str:
    """The reason in words, with the path if the error concerns a file that the user may not expect."""
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if isinstance(error, FileError) else reason


def remedy_of(error: OSError) -> str:
    """What the user can do about it."""
    return error.remedy if isinstance(error, FileError) else REMEDIES[ErrorKind.DISK]
