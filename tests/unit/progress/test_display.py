from __future__ import annotations

import io
import logging
import subprocess
import sys
from dataclasses import replace

import pytest

from sfr.progress.display import LiveDisplay, open_display
from sfr.progress.snapshot import Snapshot
from sfr.progress.status_lines import sentence


class Screen:
    """Keeps what it is given."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""
        self.frames: list[object] = []

    def write(self, text: str) -> None:
        self.text += text

    def show(self, frame: object) -> None:
        self.frames.append(frame)


def test_status_lines_go_to_the_log_when_there_is_no_terminal(
    snapshot: Snapshot, caplog: pytest.LogCaptureFixture
) -> None:
    """An unattended run has its status in the log at INFO; `--progress` writes it to stderr all the same."""
    late = replace(snapshot, elapsed_s=31.0)
    quiet, asked = io.StringIO(), io.StringIO()
    with caplog.at_level(logging.INFO, "sfr"):
        open_display(None, None, stream=quiet).update(late)
        open_display(False, None, stream=quiet).update(late)
        open_display(True, None, stream=asked).update(late)

    assert quiet.getvalue() == ""
    assert asked.getvalue() == f"{sentence(late)}\n"
    assert [record.getMessage() for record in caplog.records] == [sentence(late)] * 2


def test_update_does_not_fail_when_stderr_is_closed(snapshot: Snapshot) -> None:
    """Nobody reads it, and nobody minds."""
    stream = io.StringIO()
    stream.close()

    open_display(True, None, stream=stream).update(replace(snapshot, elapsed_s=31.0))


@pytest.mark.parametrize("wanted", [None, True])
def test_display_is_live_on_a_screen(snapshot: Snapshot, wanted: bool | None) -> None:
    """The newest snapshot is drawn at the size the terminal has then; the end removes it."""
    screen = Screen()
    display = open_display(wanted, screen, environ={"TERM": "xterm"})
    display.update(snapshot)
    display.close()

    assert isinstance(display, LiveDisplay)
    draw, end = screen.frames
    assert len(draw(100, 23)) == 4
    assert end is None
    assert screen.text == ""


def test_dumb_terminal_gets_sentences(snapshot: Snapshot) -> None:
    """A terminal that cannot move its cursor shows no escape sequence."""
    screen = Screen()
    open_display(None, screen, environ={"TERM": "dumb"}).update(replace(snapshot, elapsed_s=31.0))

    assert screen.text == f"{sentence(replace(snapshot, elapsed_s=31.0))}\n"
    assert screen.frames == []


def test_nothing_is_shown_on_a_screen_when_it_is_not_wanted(snapshot: Snapshot) -> None:
    """`--no-progress`."""
    screen = Screen()
    open_display(False, screen, environ={"TERM": "xterm"}).update(replace(snapshot, elapsed_s=31.0))

    assert (screen.text, screen.frames) == ("", [])


def test_rich_is_not_imported_when_there_is_no_terminal() -> None:
    """An unattended run does not pay for the display."""
    code = (
        "import sys; from sfr.progress import display; display.open_display(None, None); print('rich' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
