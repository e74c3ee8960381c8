from __future__ import annotations

import io
import logging
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

import pytest

from sfr.progress.line import TerminalLine, fraction, line_text
from sfr.progress.progress import ProgressSnapshot, StatusLines, open_progress, sentence
from sfr.terminal.text import text_width

SNAPSHOT = ProgressSnapshot(
    done=12,
    failed=1,
    total=40,
    received_bytes=50_000_000,
    in_flight=(("Accounts", 0), ("Opportunities of the whole world and then some", 9_000_000)),
    waiting=3,
    expected_total_bytes=200_000_000,
    elapsed_s=20.0,
    eta_s=61.0,
)


@pytest.fixture
def terminal() -> Iterator[tuple[TextIO, int]]:
    """A pseudo-terminal of 60 columns: the end that programs write to, and the descriptor of what a person sees."""
    fcntl, termios = pytest.importorskip("fcntl"), pytest.importorskip("termios")
    seen, written = os.openpty()
    fcntl.ioctl(written, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with os.fdopen(written, "w", encoding="utf-8") as stream:
        yield stream, seen
    os.close(seen)


def shown(terminal: tuple[TextIO, int]) -> str:
    """What was written to the terminal since the last look: all up to a mark that is written now."""
    stream, seen = terminal
    os.write(stream.fileno(), b"\x1e")
    text = b""
    while not text.endswith(b"\x1e"):
        text += os.read(seen, 65536)
    return text[:-1].decode()


def test_line_tells_all_and_fits_when_the_terminal_is_narrow(terminal: tuple[TextIO, int]) -> None:
    """Bar, count, failures and bytes on one line of at most the terminal's width."""
    stream, _ = terminal
    progress = open_progress(None, stream)
    progress.update(SNAPSHOT)
    text = shown(terminal)
    progress.close()

    line = text.split("\r")[-1]
    assert isinstance(progress, TerminalLine)
    assert "12/40 (1 failed) · 47.7 MB of ~191 MB" in line
    assert text_width(line.replace("\x1b[A", "")) <= 60
    assert "\n" not in text


def test_line_is_wiped_when_cleared_and_drawn_again_by_the_next_update(terminal: tuple[TextIO, int]) -> None:
    """After `clear` the cursor stands on an empty line; the next update draws at once."""
    stream, _ = terminal
    progress = open_progress(True, stream)
    progress.update(SNAPSHOT)
    shown(terminal)
    progress.clear()
    assert not shown(terminal).strip(" \r")
    progress.update(SNAPSHOT)
    assert "12/40" in shown(terminal)
    progress.close()
    progress.close()
    progress.update(SNAPSHOT)


def test_line_is_drawn_once_when_updates_come_quickly(terminal: tuple[TextIO, int]) -> None:
    """Updates within a fifth of a second are one drawing, unless a report has ended."""
    stream, _ = terminal
    progress = open_progress(True, stream)
    for step in range(10):
        progress.update(replace(SNAPSHOT, elapsed_s=20 + step / 100))
    text = shown(terminal)
    progress.update(replace(SNAPSHOT, elapsed_s=20.1, done=13))
    text += shown(terminal)
    progress.close()
    assert (text.count("12/40"), text.count("13/40")) == (1, 1)


def test_update_does_not_block_when_the_terminal_is_held(terminal: tuple[TextIO, int]) -> None:
    """Ctrl-S holds the terminal, not the run."""
    termios = pytest.importorskip("termios")
    stream, _ = terminal
    progress = open_progress(True, stream)
    termios.tcflow(stream.fileno(), termios.TCOOFF)
    for step in range(1000):
        progress.update(replace(SNAPSHOT, elapsed_s=float(step)))
    termios.tcflow(stream.fileno(), termios.TCOON)
    progress.close()


def test_update_does_not_fail_when_stderr_is_closed() -> None:
    """Drawing on a closed stream does nothing."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    progress = open_progress(None, stream)
    stream.close()
    progress.update(SNAPSHOT)
    progress.clear()
    progress.close()


def test_status_line_comes_when_time_or_a_tenth_has_passed() -> None:
    """One sentence every 30 s or 10 % of the reports."""
    lines: list[str] = []
    progress = StatusLines(lines.append)
    for done, elapsed_s in ((0, 0), (1, 1), (3, 2), (4, 3), (5, 10), (5, 33), (5, 40), (40, 41)):
        progress.update(replace(SNAPSHOT, done=done, elapsed_s=float(elapsed_s)))

    assert [line.split(" (")[0] for line in lines] == ["4 of 40 reports", "5 of 40 reports", "40 of 40 reports"]


def test_status_lines_go_to_the_log_when_there_is_no_terminal(caplog: pytest.LogCaptureFixture) -> None:
    """An unattended run has its status in the log at INFO; `--progress` brings it to stderr all the same."""
    late = replace(SNAPSHOT, elapsed_s=31.0)
    quiet, asked = io.StringIO(), io.StringIO()
    with caplog.at_level(logging.INFO, "sfr"):
        open_progress(None, quiet).update(late)
        open_progress(False, quiet).update(late)
        open_progress(True, asked).update(late)

    assert quiet.getvalue() == ""
    assert asked.getvalue() == f"{sentence(late)}\n"
    assert [record.getMessage() for record in caplog.records] == [sentence(late)] * 2


def test_sentence_names_what_matters() -> None:
    """The status line in full."""
    assert sentence(SNAPSHOT) == (
        "12 of 40 reports (1 failed), 47.7 MB in 20 s, 2 in flight, 3 waiting for a worker, about 1 min 01 s to go"
    )


def test_line_is_ascii_when_the_terminal_cannot_show_more() -> None:
    """A Latin-1 or C locale gets no character that it lacks; no control character of a name passes."""
    text = line_text(replace(SNAPSHOT, in_flight=(("\x1b[31m商談", 5),)), 1000.0, plain=True)

    assert text.isascii()
    assert text.isprintable()


def test_fraction_is_by_bytes_when_they_are_known() -> None:
    """Ten small reports done of forty are not a quarter of the work."""
    assert fraction(SNAPSHOT) == 0.25
    assert fraction(replace(SNAPSHOT, expected_total_bytes=None)) == 0.3
    assert fraction(replace(SNAPSHOT, done=40, total=40, expected_total_bytes=None)) == 1.0
    assert fraction(replace(SNAPSHOT, done=0, total=0)) == 1.0


def test_tqdm_is_not_imported_when_there_is_no_terminal() -> None:
    """An unattended run does not pay for the progress line."""
    code = "import sys; from sfr.progress import progress; progress.open_progress(None); print('tqdm' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
