"""The standard streams: what was asked for goes to standard output, and nothing else."""

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


def fill_closed_streams() -> None:
    """Put the null device where the caller closed a standard stream.

    Otherwise the first files that the run opens would get these numbers, and with them whatever is written to
    "standard error". For the program only: inside somebody's program the streams are not ours.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - for the program's whole life
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def drop_output() -> None:
    """Let what standard output still holds go nowhere: at its end Python would fail to write it, and exit with 120."""
    _drop(sys.stdout)


def drop_unwritable_complaints() -> None:
    """The same for standard error, if it takes no more."""
    try:
        sys.stderr.flush()
    except (OSError, ValueError):
        _drop(sys.stderr)


def _drop(stream: TextIO) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def print_out(text: str) -> None:
    """Write a text and its line end; characters that the stream's encoding lacks become escapes.

    No line begins with a priority that the journal would obey; invisible characters are expected to be escaped.
    Raises `OutputError` if it cannot be written, and BrokenPipeError if nobody reads it any more.
    """
    stream = sys.stdout
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    with told_as_output_error():
        stream.write(without_priorities(text.encode(encoding, "backslashreplace").decode(encoding)).rstrip("\n") + "\n")
        stream.flush()


def print_problem(text: str) -> None:
    """Write why the program ends to standard error; lines after the first are indented. A closed stream swallows it."""
    lines = escape_invisible(text, keep_lines=True).split("\n")
    try:
        print(without_priorities("\n    ".join([f"sfr: {lines[0]}", *lines[1:]])), file=sys.stderr)
    except OSError:
        pass  # the exit code still says it


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none, and nothing needs to be cut."""
    import shutil

    from sfr.logs.format import is_terminal

    stream = sys.stdout
    return shutil.get_terminal_size().columns if stream is not None and is_terminal(stream) else None


@contextlib.contextmanager
def told_as_output_error() -> Iterator[None]:
    """What a full disk and the like say while standard output is written; a broken pipe stays one."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"Standard output cannot be written: {error.strerror or error}.") from error
