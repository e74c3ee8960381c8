"""Delivers to a folder, usually a mounted share: a temporary file there, renamed over the old one."""

from __future__ import annotations

import errno
import os
from urllib.parse import quote

from pydantic import Field

from sfr.destinations.base import (
    Attempt,
    Delivered,
    Destination,
    Item,
    Kind,
    ProvedFile,
    Surroundings,
    proved_blocks,
    removing_probe,
)
from sfr.errors import DeliveryError
from sfr.options.section import Section
from sfr.options.types import DatedPath

#: Errors of a share whose server is unreachable.
_UNREACHABLE = {
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.ENOTCONN,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EIO,
}


class FolderSettings(Section):
    """`folder`: a directory of this machine or a mounted share."""

    path: DatedPath = Field(
        description="Directory; may hold dates such as `{run_date}`; the part before them must exist."
    )


class Folder(Destination):
    """See the module."""

    def __init__(self, settings: FolderSettings, surroundings: Surroundings) -> None:
        self._path = settings.path
        self._surroundings = surroundings

    def check(self) -> None:
        """Check that the folder exists, and that its permissions allow creating files."""
        base = self._existing_base()
        if not os.access(base, os.W_OK | os.X_OK):
            raise DeliveryError(f"The folder {base} is not writable for the user who runs SFR.")

    def probe(self) -> None:
        """Make an empty file and remove it."""
        from sfr.storage.trusted import create_private

        base = self._existing_base()
        try:
            descriptor, path = create_private(os.path.join(base, ".sfr-probe-"))
            os.close(descriptor)
        except OSError as error:
            raise _failure(f"cannot make a file in {base}", error) from error
        with removing_probe():
            try:
                os.unlink(path)
            except OSError as error:
                raise _failure(f"cannot remove the file {path}, which SFR made to see whether it can", error) from error

    def target(self, item: Item) -> str:
        """`file:///share/Open%20Pipeline.csv`."""
        return f"file://{quote(self.local_file(item).encode('utf-8', 'surrogateescape'))}"

    def local_file(self, item: Item) -> str:
        """The path, dates filled in."""
        return os.path.join(self._directory(item), item.file_name)

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """Copy, sync, rename."""
        from sfr.storage.atomic import write_blocks_atomically
        from sfr.storage.trusted import make_directories

        self._existing_base()
        path = self.local_file(file.item)
        try:
            make_directories(os.path.dirname(path))
            write_blocks_atomically(
                path,
                proved_blocks(file, attempt),
                self._surroundings.file_mode,
                temporary_prefix=attempt.temporary_prefix,
                expected_bytes=file.size_bytes,
                before_rename=attempt.confirm,
            )
        except OSError as error:
            raise _failure(f"cannot write {path}", error) from error
        return Delivered()

    def _directory(self, item: Item) -> str:
        return os.path.normpath(self._surroundings.fill_dates(self._path, item.at))

    def _existing_base(self) -> str:
        """The part of the path without dates. Raises `DeliveryError` if it is missing."""
        start = self._path.partition("{")[0]
        base = start if start == self._path else os.path.dirname(start)
        if not os.path.isdir(base):
            raise DeliveryError(
                f"The folder {base} does not exist; is its share mounted? SFR makes only the part with dates.",
                is_unreachable=True,
            )
        return base


def _failure(what: str, error: OSError) -> DeliveryError:
    is_unreachable = error.errno in _UNREACHABLE
    return DeliveryError(
        f"SFR {what}: {error.strerror or error}.", is_transient=is_unreachable, is_unreachable=is_unreachable
    )


KIND = Kind(FolderSettings, Folder)
