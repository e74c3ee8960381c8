"""Formats log records: masks secrets, escapes invisible characters, adds time, level, colour or a journal priority.

Where records go is decided in `sfr.logs.log`.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Mapping
from datetime import datetime
from typing import TextIO

from sfr.escaping.invisible import escape_invisible
from sfr.escaping.journal import without_priorities
from sfr.redaction import Redactor

FILE_FORMAT = "%(asctime)s %(levelname)-8s %(name)s [%(threadName)s] %(message)s"
PLAIN_FORMAT = "%(asctime)s %(levelname)-8s %(message)s"
TERMINAL_FORMAT = "%(levelname)-8s %(message)s"
COLOR_FORMAT = "%(log_color)s%(levelname)-8s%(reset)s %(message)s"
LEVEL_COLORS = {"DEBUG": "thin_white", "INFO": "cyan", "WARNING": "yellow", "ERROR": "red", "CRITICAL": "bold_red"}

#: syslog priorities, as systemd reads them from the start of a line (sd-daemon(3)).
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG_PRIORITY = 7

_MESSAGE_FORMATTER = logging.Formatter("%(message)s")


class _TimedFormatter(logging.Formatter):
    """Times in ISO 8601 with milliseconds and offset."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - base class
        return datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")


class SafeFormatter(logging.Formatter):
    """Sanitises message and traceback, then passes them to another formatter.

    Masks the final text, since a secret may be in an argument, an exception or a traceback. Lines after the first are
    indented, so that no message can pass for another record; none starts with a journal priority, whichever program
    reads the stream.
    """

    def __init__(self, outer: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._outer = outer
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as one or more lines, all but the first indented."""
        text = escape_invisible(self._redactor.redact(plain_text(record)), keep_lines=True)
        return self._outer.format(flattened(record, without_priorities("\n    ".join(text.splitlines()))))


class _JournalFormatter(logging.Formatter):
    """Adds `<N>` before every line, and no time, which the journal adds."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((n for level, n in _PRIORITIES if record.levelno >= level), _DEBUG_PRIORITY)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines() or [""])


def plain_text(record: logging.LogRecord) -> str:
    """Message and traceback, not masked; for a record that cannot be formatted, a note about that."""
    try:
        return _MESSAGE_FORMATTER.format(record)
    except Exception:  # noqa: BLE001 - logging must not fail, whatever a value's __str__ does
        return f"{record.msg} (a log line whose values do not fit: {record.module}, line {record.lineno})"


def flattened(record: logging.LogRecord, text: str) -> logging.LogRecord:
    """A copy of the record with only this text: no arguments, exception or stack."""
    flat = copy.copy(record)
    flat.msg, flat.args, flat.exc_info, flat.exc_text, flat.stack_info = text, None, None, None, None
    return flat


def file_formatter(redactor: Redactor) -> logging.Formatter:
    """For the log file: time, level, logger, thread, message."""
    return SafeFormatter(_TimedFormatter(FILE_FORMAT), redactor)


def console_formatter(
    stream: TextIO, color: str, redactor: Redactor, environ: Mapping[str, str] = os.environ
) -> logging.Formatter:
    """For stderr: `<N>` for the journal, colour or plain for a terminal, with time for anything else.

    color: `auto`, `always` or `never`. colorlog is imported only if colour is used.
    """
    if wants_color(stream, color, environ):
        from colorlog import ColoredFormatter

        colored = ColoredFormatter(COLOR_FORMAT, log_colors=LEVEL_COLORS, force_color=True)
        return SafeFormatter(colored, redactor)
    if is_journal(stream, environ):
        return SafeFormatter(_JournalFormatter("%(message)s"), redactor)
    if is_terminal(stream):
        return SafeFormatter(logging.Formatter(TERMINAL_FORMAT), redactor)
    return SafeFormatter(_TimedFormatter(PLAIN_FORMAT), redactor)


def wants_color(stream: TextIO, color: str, environ: Mapping[str, str]) -> bool:
    """Whether to use colour: by the setting; for `auto` by NO_COLOR, FORCE_COLOR, the journal and the terminal.

    An empty variable counts as unset (no-color.org).
    """
    if color != "auto":
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    return is_terminal(stream) and environ.get("TERM") != "dumb" and not is_journal(stream, environ)


def is_terminal(stream: TextIO) -> bool:
    """Whether the stream is a terminal; False for a closed one."""
    try:
        return stream.isatty()
    except (AttributeError, OSError, ValueError):
        return False


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream goes to the journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5))."""
    journal = environ.get("JOURNAL_STREAM")
    if not journal:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return journal == f"{status.st_dev}:{status.st_ino}"
