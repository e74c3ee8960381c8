"""Writes to the standard streams: results to standard output, errors to standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from sfr.errors import OutputError
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.journal import without_priorities

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TextIO


def replace_closed_streams() -> None:
    """Replace standard streams closed by the caller with the null device.

    Otherwise the first files opened by the run would get their descriptors, and with them everything written to
    "standard error". For the program only, not for use as a library.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the lifetime of the program
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def discard_output() -> None:
    """Discard buffered standard output: Python would fail to flush it at exit, and end with 120."""
    _drop(sys.stdout)


def discard_unwritable_errors() -> None:
    """Discard buffered standard error if it can no longer be written."""
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_out(text: str) -> None:
    """Print a text with a line end; characters missing from the stream's encoding are escaped.

    Priorities for the journal at the start of lines are escaped; invisible characters have to be escaped already.
    Raises `OutputError` if it cannot be written, and BrokenPipeError if the reader has closed the pipe.
    """
    stream = sys.stdout
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    with as_output_error():
        stream.write(without_priorities(text.encode(encoding, "backslashreplace").decode(encoding)).rstrip("\n") + "\n")
        stream.flush()


def print_problem(text: str) -> None:
    """Print an error message to standard error, with lines after the first indented. Ignores a closed stream."""
    lines = escape_invisible(text, keep_lines=True).split("\n")
    try:
        print(without_priorities("\n    ".join([f"sfr: {lines[0]}", *lines[1:]])), file=sys.stderr)
    except OSError:
        pass  # the exit code still reports it


def has_one_stream() -> bool:
    """Whether standard output and standard error go to the same terminal, file or pipe; False if that is unknown."""
    try:
        out, errors = os.fstat(sys.stdout.fileno()), os.fstat(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        return False
    return os.path.samestat(out, errors) and out.st_ino != 0  # Windows numbers neither pipes nor consoles


def terminal_width() -> int | None:
    """Width of the terminal in columns; None if standard output is not a terminal, so nothing has to be truncated."""
    import shutil

    from sfr.logs.format import is_terminal

    stream = sys.stdout
    return shutil.get_terminal_size().columns if stream is not None and is_terminal(stream) else None


@contextlib.contextmanager
def as_output_error() -> Iterator[None]:
    """Turn an OSError from writing standard output into `OutputError`; BrokenPipeError is passed on."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"Standard output cannot be written: {error.strerror or error}.") from error
