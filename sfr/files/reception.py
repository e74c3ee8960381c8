"""Receiving one body as it comes: in memory while it is small, else into a spool file in the report's directory."""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from sfr.errors import ErrorKind, ReportError
from sfr.files.atomic import remove_quietly
from sfr.files.errors import remedy_of
from sfr.files.trusted import make

#: From this size on a body goes to a file: it would cost more memory and time in the queue than on the disk.
#: No more than the pieces it comes in (`answers.CHUNK_BYTES`), or every thread would keep the first beside the second.
SPOOLED_FROM_BYTES = 256 * 1024


class InlineBudget:
    """Memory for bodies that travel inline, shared by all threads. Thread-safe."""

    def __init__(self, total_bytes: int = 8 * 1024 * 1024) -> None:
        self._lock = threading.Lock()
        self._left_bytes = total_bytes

    def reserve(self, size_bytes: int) -> bool:
        """Take so much, if there is so much."""
        with self._lock:
            if size_bytes > self._left_bytes:
                return False
            self._left_bytes -= size_bytes
            return True

    def release(self, size_bytes: int) -> None:
        """Give back what was reserved."""
        with self._lock:
            self._left_bytes += size_bytes


class Reception:
    """One body on its way in. Use: `write` each chunk, then `finish`; `discard` on any error.

    spool_start: start of the spool file's path; a random part and `.part` follow.

    `received_bytes` may be read by another thread at any time. `spool_path` is None until there is a spool file.
    `write` and `finish` raise `ReportError`: `disk` where the spool file cannot be written, `guard` where the body is
    larger than a report of `max_report_bytes` could be however it was encoded (the worker judges exactly).
    """

    def __init__(self, spool_start: str, budget: InlineBudget, max_report_bytes: int | None = None) -> None:
        self.received_bytes = 0
        self._most_bytes = None if max_report_bytes is None else _most_received_bytes(max_report_bytes)
        self.spool_path: str | None = None
        self._spool_start = spool_start
        self._budget = budget
        self._chunks: list[bytes] = []
        self._descriptor: int | None = None

    def write(self, chunk: bytes) -> None:
        """Take the next chunk."""
        if self._descriptor is None:
            self._chunks.append(chunk)
            if self.received_bytes + len(chunk) >= SPOOLED_FROM_BYTES:
                self._spool()
        else:
            self._write(chunk)
        self.received_bytes += len(chunk)
        if self._most_bytes is not None and self.received_bytes > self._most_bytes:
            raise ReportError(
                ErrorKind.GUARD,
                f"The body ({self.received_bytes:,} bytes so far) is larger than `fetch.max_report_bytes` allows.",
                remedy="Narrow the report's filters, or raise the limit if the report is right.",
            )

    def finish(self) -> bytes | None:
        """The whole body, if it travels inline; None if it lies at `spool_path`."""
        if self._descriptor is None and self._budget.reserve(self.received_bytes):
            return b"".join(self._chunks)
        if self._descriptor is None:
            self._spool()
        self._close()
        return None

    def discard(self) -> None:
        """Remove what was received so far. Raises nothing: why it is discarded is what counts."""
        self._chunks.clear()
        if self._descriptor is not None:
            with suppress(ReportError):
                self._close()
            remove_quietly(self.spool_path)

    def _spool(self) -> None:
        try:
            self._descriptor, self.spool_path = make(self._spool_start)
        except OSError as error:
            raise _disk_error(error, self._spool_start) from error
        for chunk in self._chunks:
            self._write(chunk)
        self._chunks.clear()

    def _write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:  # a nearly full disk takes less than it was given, without an error
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


def _most_received_bytes(max_report_bytes: int) -> int:
    """What a body of so many bytes may take on the wire: gzip adds a little to what it cannot shrink."""
    return max_report_bytes + max_report_bytes // 100 + 4096


def _disk_error(error: OSError, path: str) -> ReportError:
    directory = os.path.dirname(path)
    return ReportError(
        ErrorKind.DISK,
        f"The body could not be written to {directory}: {error.strerror or error}.",
        remedy=remedy_of(error),
    )
