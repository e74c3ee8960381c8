"""Defines a destination: its registry entry, and the values that it is given.

A destination knows a proved local file and its facts, and nothing of Salesforce. It is used by several threads at once,
each with its own attempt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sfr.errors import DeliveryError
from sfr.model import Report
from sfr.options.section import Section

#: Maximum wait for a lock of a database.
LOCK_TIMEOUT_S = 60.0
#: Block size for reading files.
BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Item:
    """The facts about a report that decide its target."""

    #: File name without suffix, dates filled in.
    name: str
    #: The name as in the list, dates not filled in.
    name_template: str
    #: 18 characters; empty for SOQL.
    report_id: str
    format: str
    #: Python codec of the text.
    encoding: str
    #: The configured table; empty = derived from `name_template`.
    table: str
    #: The run's date, in the configuration's time zone.
    at: datetime

    @classmethod
    def of(cls, report: Report) -> Item:
        """The facts of a report of the list."""
        return cls(
            report.name,
            report.name_template or report.name,
            report.report_id,
            report.format,
            report.encoding,
            report.table,
            report.listed_at or datetime.now().astimezone(),
        )

    @property
    def file_name(self) -> str:
        """`<name>.<format>`."""
        return f"{self.name}.{self.format}"

    @property
    def sfr_date(self) -> str:
        """The run's date in ISO 8601."""
        return self.at.date().isoformat()


@dataclass(frozen=True, slots=True)
class ProvedFile:
    """A report file that is complete and in place."""

    item: Item
    #: Absolute. Read it by `proved_blocks`, since others may be able to change it.
    path: str
    size_bytes: int
    sha256: str
    #: Records without the header; None if unknown.
    rows: int | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The result of a delivery."""

    #: A warning for the user; empty if all went well.
    message: str = ""


class Attempt(Protocol):
    """One attempt at a delivery, and its time limits. A destination calls `check` at least for every block it sends."""

    @property
    def temporary_prefix(self) -> str:
        """Start of the names of local temporary files: leftovers are recognised by it."""
        ...

    @property
    def remaining_s(self) -> float:
        """Seconds left before the attempt has to end; more than 0."""
        ...

    def check(self) -> None:
        """Note progress. Raises `DeliveryError` if the attempt has to end: time-out, or the run ends."""
        ...

    def confirm(self) -> None:
        """Call it directly before the step that makes the new content visible: rename, commit, end of an upload.

        Raises `DeliveryError` if the run must not publish any more, and like `check`.
        """
        ...

    def interrupt_with(self, interrupt: Callable[[], None] | None, *, may_be_idle: bool = False) -> None:
        """What breaks a blocking call, from another thread: close a socket, say. None: nothing does any more.

        may_be_idle: the following calls may take longer than `deliveries.idle_timeout_s` without a `check`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a destination may need of the configuration besides its own settings."""

    #: Fills in the dates of a prefix, path or directory. Raises ValueError that says what is wrong.
    fill_dates: Callable[[str, datetime], str]
    #: Permissions of files.
    file_mode: int
    connect_timeout_s: float
    idle_timeout_s: float


class Destination:
    """The base of all destinations. Constructors do no I/O; methods raise `DeliveryError`.

    Making connections in `check`, `probe` and `deliver` is bounded by `Surroundings.connect_timeout_s`.
    """

    #: The local file that only one delivery at a time can write to; empty if there is none.
    exclusive_file = ""
    #: Whether a delivery adds rows of the run's date to earlier ones.
    is_append = False
    #: Modules that `deliver` imports, if they are heavy: loaded before, in one delivery thread at a time.
    libraries: tuple[str, ...] = ()

    def check(self) -> None:
        """Connect and authenticate; write nothing. Called before the first fetch by `--check`."""
        raise NotImplementedError

    def probe(self) -> None:
        """Write something small and remove it again (else LeftBehindError), or roll it back."""
        raise NotImplementedError

    def target(self, item: Item) -> str:
        """Where the item goes: a percent-encoded URL without credentials. Does no I/O.

        Raises ValueError that says why the item cannot go to this destination, and what is expected.
        """
        raise NotImplementedError

    def local_file(self, item: Item) -> str:  # noqa: ARG002 - for those that have one
        """Path of the local file that a delivery writes to; empty if there is none."""
        return ""

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """Replace what the target shows by the file's content, whole or not at all. May be repeated."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of destination: a module of this package, and one line in `KINDS`."""

    #: Declares the options.
    settings: type[Section]
    #: Makes the destination of such settings.
    make: Callable[[Any, Surroundings], Destination]
    #: A message that says what to install, or None if nothing is missing.
    missing_extra: Callable[[], str | None] = lambda: None


class LeftBehindError(DeliveryError):
    """A probe was written, but could not be removed; the message names it."""


@contextmanager
def removing_probe() -> Iterator[None]:
    """Around the removal of a probe: a DeliveryError inside becomes LeftBehindError."""
    try:
        yield
    except DeliveryError as error:
        raise LeftBehindError(error.message) from error


def proved_blocks(file: ProvedFile, attempt: Attempt) -> Iterator[bytes]:
    """The bytes of the report file, block by block. If the file is replaced meanwhile, the opened one is still read.

    Raises `DeliveryError` before its end if they are not the bytes that were proved, or if the attempt has to end.
    """
    descriptor = open_proved(file)
    digest = hashlib.sha256()
    try:
        while block := os.read(descriptor, BLOCK_BYTES):
            attempt.check()
            digest.update(block)
            yield block
    except OSError as error:
        raise DeliveryError(f"The report file {file.path} cannot be read: {error.strerror or error}.") from error
    finally:
        os.close(descriptor)
    if digest.hexdigest() != file.sha256:
        raise changed_error(file)


def open_proved(file: ProvedFile) -> int:
    """A descriptor of the report file for reading. Raises `DeliveryError` if it has another size than the proved one.

    For libraries that read files themselves; others use `proved_blocks`.
    """
    from sfr.storage.trusted import open_report

    try:
        descriptor = open_report(file.path)
    except OSError as error:
        raise DeliveryError(f"The report file {file.path} cannot be read: {error.strerror or error}.") from error
    if os.fstat(descriptor).st_size != file.size_bytes:
        os.close(descriptor)
        raise changed_error(file)
    return descriptor


def changed_error(file: ProvedFile) -> DeliveryError:
    """For a report file that is not the proved one any more."""
    return DeliveryError(f"The report file {file.path} was changed by another program after SFR had saved it.")
