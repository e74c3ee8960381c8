"""The places that log records go to: stderr, the rotating file, and the backlog until there is a file.

None of them ever raises into the code that logs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections import deque
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from typing import IO, TextIO

from sfr.config.log_settings import FileLog
from sfr.files.trusted import LOG_MODE, make_directories, open_or_make
from sfr.logs.format import file_formatter, flattened, plain_text
from sfr.redaction import Redactor

#: Records kept for the log file until it is open; older ones are dropped.
LARGEST_BACKLOG = 10_000


class ConsoleHandler(logging.Handler):
    """Writes lines to stderr; a stream that is closed or broken swallows them, and never harms the run."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream
        self.clear_line: Callable[[], None] = _nothing

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, if it can be written."""
        if self._stream is None:
            return
        line = f"{self.format(record)}\n"
        try:
            self.clear_line()
            try:
                self._stream.write(line)
            except UnicodeEncodeError:
                self._stream.write(line.encode("ascii", "backslashreplace").decode("ascii"))
            self._stream.flush()
        except BlockingIOError:
            pass  # a full pipe that does not block: this line is lost, a later one may pass
        except (OSError, ValueError):
            self._stream = None


class LogFile(RotatingFileHandler):
    """The rotating file. Raises OSError if it cannot be opened; a failure later on costs one warning on the console."""

    def __init__(self, settings: FileLog, redactor: Redactor, console: ConsoleHandler) -> None:
        assert settings.path is not None  # noqa: S101 - the caller looked
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

    def _open(self) -> IO[str]:  # type: ignore[override]  # as the base class, but for the encoding's wrapper
        """Open the file, unless another user may have put there what has its name."""
        descriptor = open_or_make(self.baseFilename, os.O_WRONLY | os.O_APPEND, LOG_MODE)
        return open(descriptor, "a", encoding=self.encoding, errors=self.errors)

    def doRollover(self) -> None:  # noqa: N802 - base class
        """Begin a new file; without backups the old one goes, where the base class would let it grow."""
        super().doRollover()
        if self.backupCount == 0 and self.stream is not None:
            self.stream.truncate(0)

    def close(self) -> None:
        """Close the file; what a full disk does not take is lost."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - base class
        """Say once that the log file fails; the base class would print the record's raw values.

        The file is opened anew for the next record: what could not be written must not pile up in memory.
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
        self.records: deque[logging.LogRecord] = deque(maxlen=LARGEST_BACKLOG)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record without the values it was made of."""
        self.records.append(flattened(record, plain_text(record)))


def _nothing() -> None:
    pass
