"""Standard output: what was asked for, and nothing else."""

from __future__ import annotations

import shutil
import sys

from sfr.log_format import is_terminal


def print_out(text: str) -> None:
    """Write a text and its line end; characters that the terminal's encoding lacks become `?`.

    Raises OSError if nobody can read it (a full disk, a closed pipe).
    """
    stream = sys.stdout
    if stream is None:
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding).rstrip("\n") + "\n")
    stream.flush()


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None where it is none, and nothing needs to be cut."""
    stream = sys.stdout
    return shutil.get_terminal_size().columns if stream is not None and is_terminal(stream) else None
