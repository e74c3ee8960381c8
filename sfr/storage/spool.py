"""Receives a response body: in memory while it is small, else in a spool file in the report's directory."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import Protocol

from sfr.errors import ErrorKind, ReportError
from sfr.storage.atomic import remove_quietly
from sfr.storage.errors import remedy_of
from sfr.storage.trusted import create_private

#: Bodies of this size or more are spooled: in the queue they would cost more memory and time than on disk.
#: Not larger than a chunk (`responses.CHUNK_BYTES`), or every thread would hold two of them.
SPOOLED_FROM_BYTES = 256 * 1024


class InlineBudget(Protocol):
    """The shared memory budget for inline bodies."""

    def reserve(self, size_bytes: int) -> bool:
        """Reserve `size_bytes`, if that much is free."""
        ...


class IncomingBody:
    """A body being received. Usage: `write` each chunk, then `finish`; `discard` on any error.

    spool_start: start of the spool file's path; a random part and `.part` follow.

    `received_bytes` and `first_byte_clock_s` may be read by another thread at any time. `spool_path` is None until
    there is a spool file.
    `write` and `finish` raise `ReportError`: `disk` if the spool file cannot be written, `guard` if the body is larger
    than any encoding of `max_report_bytes` (the worker checks exactly).
    """

    def __init__(self, spool_start: str, budget: InlineBudget, max_report_bytes: int | None = None) -> None:
        self.received_bytes = 0
        #: When the first byte arrived; None before that.
        self.first_byte_clock_s: float | None = None
        self._max_bytes = None if max_report_bytes is None else _max_received_bytes(max_report_bytes)
        self.spool_path: str | None = None
        self._spool_start = spool_start
        self._budget = budget
        self._chunks: list[bytes] = []
        self._descriptor: int | None = None

    def note_first_byte(self) -> None:
        """Record the arrival of the first byte; later calls have no effect."""
        if self.first_byte_clock_s is None:
            self.first_byte_clock_s = time.monotonic()

    def write(self, chunk: bytes) -> None:
        """Append the next chunk."""
        if self._descriptor is None:
            self._chunks.append(chunk)
            if self.received_bytes + len(chunk) >= SPOOLED_FROM_BYTES:
                self._spool()
        else:
            self._write(chunk)
        self.received_bytes += len(chunk)
        if self._max_bytes is not None and self.received_bytes > self._max_bytes:
            raise ReportError(
                ErrorKind.GUARD,
                f"The body ({self.received_bytes:,} bytes so far) is larger than `fetch.max_report_bytes` allows.",
                remedy="Narrow the report's filters, or raise the limit if the report is right.",
            )

    def finish(self) -> bytes | None:
        """Return the body, if it stays inline; None if it is in the file at `spool_path`."""
        if self._descriptor is None and self._budget.reserve(self.received_bytes):
            return b"".join(self._chunks)
        if self._descriptor is None:
            self._spool()
        self._close()
        return None

    def discard(self) -> None:
        """Remove what was received so far. Never raises, so as not to hide the original error."""
        self._chunks.clear()
        if self._descriptor is not None:
            with suppress(ReportError):
                self._close()
            remove_quietly(self.spool_path)

    def _spool(self) -> None:
        try:
            self._descriptor, self.spool_path = create_private(self._spool_start)
        except OSError as error:
            raise _disk_error(error, self._spool_start) from error
        for chunk in self._chunks:
            self._write(chunk)
        self._chunks.clear()

    def _write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:  # on a nearly full disk `os.write` writes only part, without an error
                view = view[os.write(self._descriptor, view) :]  # type: ignore[arg-type]  # open, by the callers
        except OSError as error:
            raise _disk_error(error, self._spool_start) from error

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        try:
            os.close(descriptor)
        except OSError as error:
            raise _disk_error(error, self._spool_start) from error


def _max_received_bytes(max_report_bytes: int) -> int:
    """Maximum size of such a body as received: gzip adds a little to incompressible data."""
    return max_report_bytes + max_report_bytes // 100 + 4096


def _disk_error(error: OSError, path: str) -> ReportError:
    directory = os.path.dirname(path)
    return ReportError(
        ErrorKind.DISK,
        f"Cannot write the received body to {directory}: {error.strerror or error}.",
        remedy=remedy_of(error),
    )
