"""Sets up logging for a run: to stderr, and to a rotating file once the run holds its lock.

Only the main process writes; workers send it their records (see `Logs.emit`). The root logger and loggers of other
libraries are not changed, and everything is restored at the end: SFR may run inside another program, and several times
at once.
Each run writes only records of its own threads, since it masks only its own secrets. Formatting: `sfr.logs.format`.
"""

from __future__ import annotations

import contextvars
import logging
import os
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import TextIO

from sfr.config.log_settings import Logging
from sfr.errors import BugError, SfrError
from sfr.logs.format import console_formatter, is_terminal, wants_color
from sfr.logs.handlers import Backlog, ConsoleHandler, LogFile
from sfr.redaction import Redactor
from sfr.terminal.screen import Screen

LOGGER_NAME = "sfr"

log = logging.getLogger(__name__)

#: The run that a thread belongs to (see `sfr.threads.start_thread`); None in other threads.
_current: contextvars.ContextVar[Logs | None] = contextvars.ContextVar("sfr_logs", default=None)


class Logs:
    """Context manager: while inside, records of the logger tree `sfr` go to stderr and to the log file.

    The file is opened by `open_file`; earlier records are buffered until then, and dropped if it is never opened.
    Uncaught exceptions of threads and of the block are logged too, so that their secrets are masked.
    """

    def __init__(
        self, settings: Logging, redactor: Redactor, stream: TextIO | None, environ: Mapping[str, str]
    ) -> None:
        self._settings = settings
        self._redactor = redactor
        self._logger = logging.getLogger(LOGGER_NAME)
        self._stream = stream
        self._console = ConsoleHandler(stream)
        #: Whether lines on the console are coloured.
        self.color = stream is not None and wants_color(stream, settings.console.color, environ)
        self._console.setLevel(settings.console.level)
        if stream is not None:
            self._console.setFormatter(console_formatter(stream, settings.console.color, redactor, environ))
        self._backlog = Backlog()
        self._backlog.setLevel(settings.file.level)
        self._file: LogFile | None = None
        self._context: contextvars.Token[Logs | None] | None = None

    def __enter__(self) -> Logs:
        has_file = self._settings.file.path is not None
        self._context = _current.set(self)
        _active.add(min(self._console.level, self._backlog.level) if has_file else self._console.level, self)
        self._attach(self._console)
        if has_file:
            self._attach(self._backlog)
        return self

    def _attach(self, handler: logging.Handler) -> None:
        handler.addFilter(lambda _record: _current.get() in (self, None))
        self._logger.addHandler(handler)

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Close. Replaces an unexpected exception by BugError: its text is logged, and not passed on."""
        if not isinstance(error, Exception) or isinstance(error, SfrError | BrokenPipeError):
            self.close()
            return
        name = type(error).__name__
        log.critical("SFR crashed with %s: this is a bug in SFR.", name, exc_info=error)
        self.close()
        # Python would print a traceback at the end, including secrets.
        raise BugError(f"crashed with {name}: this is a bug in SFR; see its log for details.") from None

    def open_file(self) -> None:
        """Open the log file, creating its directory, and write the records so far.

        Call it with the run's lock held: two runs must not write to one file. If it cannot be opened, a warning is
        logged and the run continues.
        """
        if self._settings.file.path is None or self._file is not None:
            return
        self._logger.removeHandler(self._backlog)
        try:
            self._file = LogFile(self._settings.file, self._redactor, self._console)
        except OSError as error:
            log.warning(
                "The log file %s cannot be written (%s); continuing without it.",
                self._settings.file.path,
                error.strerror or error,
            )
            return
        for record in self._backlog.records:
            self._file.handle(record)
        self._backlog.records.clear()
        self._attach(self._file)

    def close_file(self) -> None:
        """Write no more records to the log file: it is another run's now."""
        if self._file is not None:
            self._logger.removeHandler(self._file)
            self._file.close()
            self._file = None

    def emit(self, level: int, logger_name: str, text: str) -> None:
        """Log a record from another process. A logger's name outside `sfr` is placed below it."""
        inside = logger_name == LOGGER_NAME or logger_name.startswith(f"{LOGGER_NAME}.")
        logging.getLogger(logger_name if inside else f"{LOGGER_NAME}.{logger_name}").log(level, "%s", text)

    @property
    def screen(self) -> Screen | None:
        """The terminal behind stderr, once `open_screen` was called; None if stderr is not a terminal."""
        return self._console.screen

    def open_screen(self) -> None:
        """From now on write to stderr from a separate thread, if it is a terminal.

        So a terminal that accepts no text (Ctrl-S) does not block threads that log.
        """
        if self._stream is not None and is_terminal(self._stream):
            try:
                self._console.screen = Screen(self._stream)
            except OSError:
                pass  # no descriptor, or no thread available: lines are written directly

    def is_written(self, timeout_s: float | None) -> bool:
        """After `close`: whether the terminal accepts every line within `timeout_s` (None: no limit)."""
        return self._console.screen is None or self._console.screen.close(timeout_s)

    def close(self) -> None:
        """Close the file and restore the previous state; may be called twice."""
        if self._context is None:
            return
        if self._console.screen is not None:
            self._console.screen.close()
        for handler in (self._console, self._backlog, self._file):
            if handler is not None:
                self._logger.removeHandler(handler)
                handler.close()
        _active.remove(self)
        _current.reset(self._context)
        self._context = None


class _Active:
    """The runs that are logging now, and the logger's state before the first of them. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[Logs, int] = {}
        self._before = (logging.NOTSET, True, threading.excepthook)

    def add(self, level: int, logs: Logs) -> None:
        """Add a run, which logs from this level on."""
        logger = logging.getLogger(LOGGER_NAME)
        with self._lock:
            if not self._levels:
                self._before = (logger.level, logger.propagate, threading.excepthook)
                # Foreign handlers on the root logger would print secrets that only SFR's formatters mask.
                logger.propagate = False
                threading.excepthook = _log_uncaught_in_thread
            self._levels[logs] = level
            logger.setLevel(min(self._levels.values()))

    def remove(self, logs: Logs) -> None:
        """Remove a run; after the last one restore the state before the first."""
        logger = logging.getLogger(LOGGER_NAME)
        with self._lock:
            del self._levels[logs]
            if self._levels:
                logger.setLevel(min(self._levels.values()))
                return
            level, logger.propagate, hook = self._before
            logger.setLevel(level)
            if threading.excepthook is _log_uncaught_in_thread:
                threading.excepthook = hook


_active = _Active()


def open_logging(
    settings: Logging,
    redactor: Redactor,
    *,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Logs:
    """Logging as configured under `logging`; a context manager. `stream` defaults to stderr."""
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
