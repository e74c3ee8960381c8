"""Where log records go: stderr, and a rotating file once the run holds its lock.

Only the main process writes; workers send their records as values (see `Logs.emit`). The root logger and other
libraries' loggers are left alone, and everything is put back at the end: SFR may run inside somebody's program.
How a record becomes text stands in `sfr.logs.format`.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TextIO

from sfr.config.log_settings import Logging
from sfr.errors import BugError, SfrError
from sfr.logs.format import console_formatter
from sfr.logs.handlers import Backlog, ConsoleHandler, LogFile
from sfr.redaction import Redactor

LOGGER_NAME = "sfr"

log = logging.getLogger(__name__)


class Logs:
    """Context manager: while inside, records of the logger tree `sfr` go to stderr and to the log file.

    The file is opened by `open_file`; what was logged before is written to it then, and never if it stays closed.
    Uncaught exceptions of threads, and those that leave the block, are logged too, so that secrets are masked.
    """

    def __init__(
        self, settings: Logging, redactor: Redactor, stream: TextIO | None, environ: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._redactor = redactor
        self._logger = logging.getLogger(LOGGER_NAME)
        self._console = ConsoleHandler(stream)
        self._console.setLevel(settings.console.level)
        if stream is not None:
            self._console.setFormatter(console_formatter(stream, settings.console.color, redactor, environ))
        self._backlog = Backlog()
        self._backlog.setLevel(settings.file.level)
        self._file: LogFile | None = None
        self._before: tuple[int, bool] | None = None
        self._hook_before = threading.excepthook

    def __enter__(self) -> Logs:
        self._before = (self._logger.level, self._logger.propagate)
        has_file = self._settings.file.path is not None
        self._logger.setLevel(min(self._console.level, self._backlog.level) if has_file else self._console.level)
        # Somebody's handlers on the root logger would print secrets that only SFR's formatters mask.
        self._logger.propagate = False
        self._logger.addHandler(self._console)
        if has_file:
            self._logger.addHandler(self._backlog)
        self._hook_before = threading.excepthook
        threading.excepthook = _log_uncaught_in_thread
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close. Raises BugError in place of what is no error of SFR's own: its text is logged, and goes no further."""
        if not isinstance(error, Exception) or isinstance(error, SfrError | BrokenPipeError):
            self.close()
            return
        name = type(error).__name__
        log.critical("SFR broke off with %s: this is a bug in SFR.", name, exc_info=error)
        self.close()
        # Python would print a traceback of its own at the end, secrets and all.
        raise BugError(f"broke off with {name}: this is a bug in SFR, and its log tells more.") from None

    def open_file(self) -> None:
        """Open the log file, its directory made if missing, and write what was logged so far.

        Called with the run's lock held: two runs must not write one file. A file that cannot be opened costs one
        warning on the console, not the run.
        """
        if self._settings.file.path is None or self._file is not None:
            return
        self._logger.removeHandler(self._backlog)
        try:
            self._file = LogFile(self._settings.file, self._redactor, self._console)
        except OSError as error:
            log.warning(
                "The log file %s cannot be written (%s); going on without.",
                self._settings.file.path,
                error.strerror or error,
            )
            return
        for record in self._backlog.records:
            self._file.handle(record)
        self._backlog.records.clear()
        self._logger.addHandler(self._file)

    def emit(self, level: int, logger_name: str, text: str) -> None:
        """Log what another process sent. The logger's name is made a child of `sfr` if it is none."""
        inside = logger_name == LOGGER_NAME or logger_name.startswith(f"{LOGGER_NAME}.")
        logging.getLogger(logger_name if inside else f"{LOGGER_NAME}.{logger_name}").log(level, "%s", text)

    @property
    def clear_line(self) -> Callable[[], None]:
        """Called before a line is written to stderr: what wipes the progress line."""
        return self._console.clear_line

    @clear_line.setter
    def clear_line(self, clear: Callable[[], None]) -> None:
        self._console.clear_line = clear

    def close(self) -> None:
        """Close the file and put everything back as it was; closing twice is harmless."""
        if self._before is None:
            return
        for handler in (self._console, self._backlog, self._file):
            if handler is not None:
                self._logger.removeHandler(handler)
                handler.close()
        level, self._logger.propagate = self._before
        self._logger.setLevel(level)
        self._before = None
        if threading.excepthook is _log_uncaught_in_thread:
            threading.excepthook = self._hook_before


def open_logging(
    settings: Logging,
    redactor: Redactor,
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Logs:
    """Logging as `logging` in the configuration says; a context manager. `stream` is stderr unless given."""
    return Logs(settings, redactor, sys.stderr if stream is None else stream, environ)


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if caught.exc_type is SystemExit:
        return
    name = caught.thread.name if caught.thread is not None else "unknown"
    error = caught.exc_value if caught.exc_value is not None else caught.exc_type()
    log.critical(
        "Uncaught %s in thread %s; this is a bug in SFR.",
        caught.exc_type.__name__,
        name,
        exc_info=(caught.exc_type, error, caught.exc_traceback),
    )
