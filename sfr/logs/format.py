"""How a log record becomes text: secrets masked, invisible characters escaped, then time, level, colour or `<N>` added.

Decides nothing about where records go (see `sfr.logs.log`).
"""

from __future__ import annotations

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


class _TimedFormatter(logging.Formatter):
    """Times in ISO 8601 with milliseconds and offset."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: ARG002, N802 - base class
        return datetime.fromtimestamp(record.created).astimezone().isoformat(sep=" ", timespec="milliseconds")


class SafeFormatter(logging.Formatter):
    """Makes message and traceback harmless first, then leaves the rest of the line to another formatter.

    Masking works on the final text, since a secret may sit in an argument, in an exception or in a traceback.
    Lines after the first are indented, so that no message can look like a record of its own; none begins with a
    priority of its own, whichever program reads the stream.
    """

    def __init__(self, outer: logging.Formatter, redactor: Redactor) -> None:
        super().__init__()
        self._outer = outer
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, or several of which all but the first are indented."""
        text = escape_invisible(self._redactor.redact(plain_text(record)), keep_lines=True)
        return self._outer.format(flattened(record, without_priorities("\n    ".join(text.splitlines()))))


class _JournalFormatter(logging.Formatter):
    """`<N>` before every line, and no time: the journal has its own."""

    def format(self, record: logging.LogRecord) -> str:
        priority = next((n for level, n in _PRIORITIES if record.levelno >= level), _DEBUG_PRIORITY)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines() or [""])


def plain_text(record: logging.LogRecord) -> str:
    """Message and traceback, nothing masked; a record whose arguments do not fit its message says so, not more."""
    try:
        return logging.Formatter("%(message)s").format(record)
    except Exception:  # noqa: BLE001 - logging must not fail, whatever a value's __str__ does
        return f"{record.msg} (a log line whose values do not fit: {record.module}, line {record.lineno})"


def flattened(record: logging.LogRecord, text: str) -> logging.LogRecord:
    """A copy of the record that holds nothing but this text: no arguments, no exception, no frames."""
    copy = logging.makeLogRecord(record.__dict__)
    copy.msg, copy.args, copy.exc_info, copy.exc_text, copy.stack_info = text, None, None, None, None
    return copy


def file_formatter(redactor: Redactor) -> logging.Formatter:
    """For the log file: time, level, logger, thread, message."""
    return SafeFormatter(_TimedFormatter(FILE_FORMAT), redactor)


def console_formatter(
    stream: TextIO, color: str, redactor: Redactor, environ: Mapping[str, str] = os.environ
) -> logging.Formatter:
    """For stderr: `<N>` for the journal, colour or plain for a terminal, with time for anything else.

    color: `auto`, `always` or `never`. colorlog is imported only if there is to be colour.
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
    """Whether to colour: `always` and `never` decide alone; else NO_COLOR, FORCE_COLOR, the journal, the terminal do.

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
    """Whether a person looks at this stream; False for a closed one."""
    try:
        return stream.isatty()
    except (AttributeError, OSError, ValueError):
        return False


def is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream goes to the journal: `$JOURNAL_STREAM` names its device and inode (systemd.exec(5))."""
    told = environ.get("JOURNAL_STREAM")
    if not told:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return told == f"{status.st_dev}:{status.st_ino}"
