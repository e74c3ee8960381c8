"""Delivers to an SFTP server: a temporary file beside the old one, renamed over it. Unknown host keys are refused."""

from __future__ import annotations

import posixpath
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING
from urllib.parse import quote

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
from sfr.destinations.sftp_settings import SftpSettings
from sfr.errors import DeliveryError
from sfr.wording import how_to_install

if TYPE_CHECKING:
    from paramiko import SFTPClient, SFTPFile

_NO_RENAME = (
    "it did not rename {temporary} over {path} by posix-rename@openssh.com ({error}); if the server lacks that, set "
    "`allow_remove: true`: the old file is then removed first"
)


class Sftp(Destination):
    """See the module. Each use has a connection of its own."""

    libraries = ("sfr.destinations.sftp_session",)

    def __init__(self, settings: SftpSettings, surroundings: Surroundings) -> None:
        self._settings, self._surroundings = settings, surroundings

    def check(self) -> None:
        """Log in, and get the home directory: that of the reports is made if it is missing."""
        with self._session() as sftp:
            sftp.normalize(".")

    def probe(self) -> None:
        """Write a small file and remove it, in the directory of the reports or where that would be made."""
        from sfr.destinations.sftp_session import explained
        from sfr.storage.trusted import random_part

        place = self._settings.place
        with self._session() as sftp:
            path = posixpath.join(self._existing_directory(sftp), f".sfr-probe-{random_part()}.part")
            with explained(f"{place} does not take {path}"), sftp.open(path, "wx") as file:
                file.write(b"SFR")
            what = f"{place}: SFR cannot remove {path}, which it made to see whether it can"
            with removing_probe(), explained(what):
                sftp.remove(path)

    def target(self, item: Item) -> str:
        """`sftp://host/~/in/Open%20Pipeline.csv`; without `~` if the directory is absolute."""
        path = posixpath.normpath(self._path(item))
        return f"{self._settings.place}{quote(path if path.startswith('/') else f'/~/{path}')}"

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """Upload beside the old file, compare the size, rename."""
        from sfr.destinations.sftp_session import explained

        path = self._path(file.item)
        directory, name = posixpath.split(path)
        with self._session(attempt) as sftp, explained(f"{self._settings.place} does not take {path}"):
            self._make_directories(sftp, directory)
            temporary, remote = _create(sftp, posixpath.join(directory, f".{name}"))
            try:
                _upload(remote, file, attempt)
                self._compare_size(sftp, temporary, file)
                attempt.confirm()
                self._rename(sftp, temporary, path)
            except _OldFileRemovedError as error:
                # The temporary file is all that the server has of the report.
                raise DeliveryError(f"{self._settings.place}: {error}", is_transient=True) from None
            except BaseException:
                _remove_quietly(sftp, temporary)
                raise
        return Delivered()

    def _session(self, attempt: Attempt | None = None) -> AbstractContextManager[SFTPClient]:
        from sfr.destinations.sftp_session import session

        return session(self._settings, self._surroundings, attempt)

    def _path(self, item: Item) -> str:
        directory = self._surroundings.fill_dates(self._settings.directory, item.at)
        return posixpath.join(directory or ".", item.file_name)

    def _existing_directory(self, sftp: SFTPClient) -> str:
        """The part of the directory before its first date, as far as it exists."""
        fixed, has_dates, _ = self._settings.directory.partition("{")
        directory = (posixpath.dirname(fixed) if has_dates else fixed) or "."
        while directory not in (".", "/") and self._settings.confirm_size and not self._is_directory(sftp, directory):
            directory = posixpath.dirname(directory.rstrip("/")) or "."
        return directory

    def _make_directories(self, sftp: SFTPClient, directory: str) -> None:
        """Make the directory and those above it that are missing."""
        if directory in ("", ".", "/") or self._is_directory(sftp, directory):
            return
        self._make_directories(sftp, posixpath.dirname(directory))
        try:
            sftp.mkdir(directory)
        except OSError:
            # Made by another delivery meanwhile, or there already on a server that does not say so.
            if self._settings.confirm_size and not self._is_directory(sftp, directory):
                raise

    def _is_directory(self, sftp: SFTPClient, directory: str) -> bool:
        import stat

        if not self._settings.confirm_size:
            return False
        try:
            return stat.S_ISDIR(sftp.stat(directory).st_mode or 0)
        except FileNotFoundError:
            return False

    def _compare_size(self, sftp: SFTPClient, path: str, file: ProvedFile) -> None:
        if not self._settings.confirm_size:
            return
        size_bytes = sftp.stat(path).st_size
        if size_bytes != file.size_bytes:
            raise DeliveryError(
                f"{self._settings.place} has {size_bytes:,} bytes of {file.size_bytes:,} at {path} after the upload; "
                "is its disk full, or a quota reached?",
                is_transient=True,
            )

    def _rename(self, sftp: SFTPClient, temporary: str, path: str) -> None:
        try:
            sftp.posix_rename(temporary, path)
        except FileNotFoundError:
            raise
        except OSError as error:
            if not self._settings.allow_remove:
                what = _NO_RENAME.format(temporary=temporary, path=path, error=error.strerror or error)
                raise DeliveryError(f"{self._settings.place}: {what}.") from None
            try:
                sftp.remove(path)
            except FileNotFoundError:
                pass
            try:
                sftp.rename(temporary, path)
            except OSError as error:
                raise _OldFileRemovedError(
                    f"the old file {path} was removed (`allow_remove`), but {temporary} could not take its place "
                    f"({error.strerror or error}). The report is in {temporary}, whole; the next delivery replaces it."
                ) from None


class _OldFileRemovedError(Exception):
    """The old file is gone, and the new one has another name."""


def _create(sftp: SFTPClient, start: str) -> tuple[str, SFTPFile]:
    """Create a new temporary file; returns its path, too.

    Never one that is there: a lost session may still write to the one that it has open, even after it was renamed. One
    that cannot be removed stays, and the new one has a random part in its name; so it has on servers that cannot
    create a file exclusively.
    """
    from sfr.storage.trusted import random_part

    path = f"{start}.part"
    try:
        sftp.remove(path)
    except OSError as error:
        _raise_if_lost(error)
    try:
        return path, sftp.open(path, "wx")
    except OSError as error:
        _raise_if_lost(error)
    path = f"{start}.{random_part()}.part"
    return path, sftp.open(path, "wb")


def _raise_if_lost(error: OSError) -> None:
    """A server that is silent would be waited for once per request."""
    if isinstance(error, TimeoutError | ConnectionError):
        raise error


def _upload(remote: SFTPFile, file: ProvedFile, attempt: Attempt) -> None:
    """Write the file's bytes without waiting for each answer, but for the last block: that waits for all of them."""
    with remote:
        remote.set_pipelined(True)
        waiting = b""
        for block in proved_blocks(file, attempt):
            if waiting:
                remote.write(waiting)
            waiting = block
        remote.set_pipelined(False)
        remote.write(waiting)


def _remove_quietly(sftp: SFTPClient, path: str) -> None:
    try:
        sftp.remove(path)
    except Exception:  # noqa: BLE001, S110 - must not hide why it is removed; the connection may be gone
        pass


def _missing_extra() -> str | None:
    from importlib.util import find_spec

    if find_spec("paramiko") is None:
        return f"The destination `sftp` needs the package paramiko: {how_to_install('sftp')}"
    return None


KIND = Kind(SftpSettings, Sftp, _missing_extra)
