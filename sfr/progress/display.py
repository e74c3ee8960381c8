"""Displays the progress of a run: redrawn lines on a terminal, an occasional status line elsewhere."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TextIO

from sfr.progress.snapshot import Snapshot
from sfr.progress.status_lines import StatusLines
from sfr.terminal.screen import Screen

log = logging.getLogger(__name__)


class Display(Protocol):
    """Displays snapshots. No method waits for a slow terminal, or fails on a broken one."""

    def update(self, snapshot: Snapshot) -> None:
        """Show the snapshot at once, or with the next status line; called several times a second."""
        ...

    def close(self) -> None:
        """Remove the display."""
        ...


class LiveDisplay:
    """A line for each report in flight and one for the run, below the log lines on the screen."""

    def __init__(self, screen: Screen, *, color: bool) -> None:
        from sfr.progress.live_lines import live_lines  # which imports rich

        self._screen = screen
        self._lines = partial(live_lines, encoding=screen.encoding, color=color)

    def update(self, snapshot: Snapshot) -> None:
        """Draw the snapshot."""
        self._screen.show(partial(self._lines, snapshot))

    def close(self) -> None:
        """Remove the lines."""
        self._screen.show(None)


def open_display(
    wanted: bool | None,
    screen: Screen | None,
    *,
    color: bool = False,
    stream: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Display:
    """A live display if `wanted` (None: if there is a screen), else status lines.

    screen: the terminal, if there is one. stream: stderr unless given. Status lines go to the log at INFO; if progress
    was requested but cannot be drawn, they are written to the screen or the stream.
    """
    if screen is None:
        return StatusLines(_writer(sys.stderr if stream is None else stream) if wanted else log.info)
    if wanted is False:
        return StatusLines(log.info)
    if environ.get("TERM") in ("dumb", "unknown") or _is_legacy_windows():
        return StatusLines(lambda text: screen.write(f"{text}\n"))
    return LiveDisplay(screen, color=color)


def _is_legacy_windows() -> bool:
    """Whether this is a console without escape sequences."""
    if os.name != "nt":
        return False
    from rich.console import detect_legacy_windows

    return detect_legacy_windows()


def _writer(stream: TextIO | None) -> Callable[[str], None]:
    def write(text: str) -> None:
        try:
            print(text, file=stream, flush=True)
        except (OSError, ValueError):
            pass  # the reader has closed it

    return write
