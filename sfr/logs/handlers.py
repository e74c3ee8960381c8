"""Log handlers: stderr, the rotating file, and a buffer until the file is open. They never raise into the caller."""

from __future__ import annotations

import contextlib
import logging
import os
import stat
import sys
from collections import deque
from logging.handlers import RotatingFileHandler
from typing import IO, Any, TextIO

from sfr.config.log_settings import FileLog
from sfr.logs.format import file_formatter, flattened, plain_text
from sfr.redaction import Redactor
from sfr.storage.trusted import LOG_MODE, make_directories, open_or_create
from sfr.terminal.screen import Screen

#: Records kept for the log file until it is open; older ones are dropped.
MAX_BACKLOG_RECORDS = 10_000


class ConsoleHandler(logging.Handler):
    """Writes lines to stderr; if the stream is closed or broken, they are dropped without harm to the run.

    On a screen it never waits.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream
        self.screen: Screen | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if possible."""
        if self._stream is None:
            return
        line = f"{self.format(record)}\n"
        if self.screen is not None:
            self.screen.write(line)
            return
        try:
            try:
                self._stream.write(line)
            except UnicodeEncodeError:
                self._stream.write(line.encode("ascii", "backslashreplace").decode("ascii"))
            self._stream.flush()
        except BlockingIOError:
            pass  # a full non-blocking pipe: this line is lost, later ones may succeed
        except (OSError, ValueError):
            self._stream = None


class LogFile(RotatingFileHandler):
    """The rotating file. Raises OSError if it cannot be opened; later failures cause one warning on the console."""

    def __init__(self, settings: FileLog, redactor: Redactor, console: ConsoleHandler) -> None:
        assert settings.path is not None  # noqa: S101 - checked by the caller
        path = os.path.abspath(settings.path)
        make_directories(os.path.dirname(path))
        super().__init__(
            path,
            maxBytes=settings.max_bytes,
            backupCount=settings.backups,
            encoding="utf-8",
            errors="backslashreplace",
        )
        self.setLevel(settings.level)
        self.setFormatter(file_formatter(redactor))
        self._console = console
        self._has_failed = False

    def _open(self) -> IO[str]:  # type: ignore[override]  # as in the base class, without the encoding wrapper
        """Open the file, unless another user may have substituted it."""
        descriptor = open_or_create(self.baseFilename, os.O_WRONLY | os.O_APPEND, LOG_MODE)
        status = os.fstat(descriptor)
        # Counted from here on, since each system call yields to other threads. A device never rolls over.
        self._size_bytes = status.st_size if stat.S_ISREG(status.st_mode) else -sys.maxsize
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, to a new file if this one has no room for it; the base class would format it twice."""
        try:
            line = self.format(record) + self.terminator
            line_bytes = len(line.encode(errors="backslashreplace"))
            stream: Any = self.stream or self._open()
            self.stream = stream
            if 0 < self.maxBytes <= self._size_bytes + line_bytes:
                self.doRollover()
                stream = self.stream
            stream.write(line)
            stream.flush()
            self._size_bytes += line_bytes
        except Exception:  # noqa: BLE001 - logging must not fail
            self.handleError(record)

    def doRollover(self) -> None:  # noqa: N802 - base class
        """Start a new file; without backups truncate the old one, which the base class would let grow."""
        super().doRollover()
        if self.backupCount == 0 and self.stream is not None:
            self.stream.truncate(0)
            self._size_bytes = 0

    def close(self) -> None:
        """Close the file; what does not fit on a full disk is lost."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - base class
        """Warn once that the log file fails; the base class would print the record's raw values.

        The file is reopened for the next record: unwritten data must not pile up in memory.
        """
        problem = f"The log file {self.baseFilename} can no longer be written ({sys.exception()!r})."
        stream, self.stream = self.stream, None
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
        if self._has_failed:
            return
        self._has_failed = True
        warning = flattened(record, problem)
        warning.levelno, warning.levelname = logging.WARNING, "WARNING"
        self._console.handle(warning)


class Backlog(logging.Handler):
    """Keeps records as plain text until there is a file to write them to."""

    def __init__(self) -> None:
        super().__init__()
        self.records: deque[logging.LogRecord] = deque(maxlen=MAX_BACKLOG_RECORDS)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record without the values it was made of."""
        self.records.append(flattened(record, plain_text(record)))
