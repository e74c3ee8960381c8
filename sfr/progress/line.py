"""The progress line of a terminal, drawn by tqdm: bar, reports, bytes, rate, time to go, what is in flight.

Imported only when there is a terminal.
"""

from __future__ import annotations

import select
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from tqdm import tqdm

from sfr.escaping.invisible import escape_invisible
from sfr.terminal.figures import duration, size
from sfr.terminal.text import can_encode, shorten

if TYPE_CHECKING:
    from sfr.progress.progress import ProgressSnapshot

#: Redrawing more often is work that nobody sees.
REDRAW_INTERVAL_S = 0.2
#: The rate shown is that of about the last so many seconds.
RATE_WINDOW_S = 8.0
BAR_STEPS = 1000
BAR_FORMAT = "{bar:14} {desc}"
NAME_WIDTH = 32
#: Wider than any terminal: tqdm cuts the line to the terminal's width.
LONGEST_LINE = 400


class _Bar(tqdm):  # type: ignore[type-arg]  # not generic at run time
    """tqdm without its monitor thread and its process-wide lock, which SFR has no use for."""

    monitor_interval = 0
    _lock = threading.RLock()


class TerminalLine:
    """Draws the newest snapshot on one line. Safe to use from several threads; a broken terminal ends the drawing."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._plain = not can_encode("█▏…·", getattr(stream, "encoding", None))
        self._rate = _Rate()
        self._drawn_s: float | None = None
        self._done = -1
        self._bar: _Bar | None = None
        self._is_broken = False

    def update(self, snapshot: ProgressSnapshot) -> None:
        """Draw the snapshot, unless the line was drawn just now or the terminal takes nothing at the moment."""
        with self._lock:
            self._rate.note(snapshot.received_bytes, snapshot.elapsed_s)
            recently = self._drawn_s is not None and snapshot.elapsed_s - self._drawn_s < REDRAW_INTERVAL_S
            if (recently and snapshot.done == self._done) or not _takes_text(self._stream):
                return
            self._drawn_s, self._done = snapshot.elapsed_s, snapshot.done
            self._safely(lambda: self._draw(snapshot))

    def clear(self) -> None:
        """Wipe the line; the next update draws it again."""
        with self._lock:
            if self._bar is not None and self._drawn_s is not None:
                self._drawn_s = None
                self._safely(self._bar.clear)

    def close(self) -> None:
        """Wipe the line for good."""
        with self._lock:
            bar, self._bar = self._bar, None
            self._drawn_s = None
            if bar is not None:
                self._safely(bar.close)
            self._is_broken = True

    def _draw(self, snapshot: ProgressSnapshot) -> None:
        if self._bar is None:
            self._bar = _Bar(
                total=BAR_STEPS,
                file=self._stream,
                bar_format=BAR_FORMAT,
                dynamic_ncols=True,
                leave=False,
                ascii=self._plain,
                delay=1e-9,
            )
        self._bar.n = round(BAR_STEPS * fraction(snapshot))
        self._bar.set_description_str(line_text(snapshot, self._rate.bytes_per_s, plain=self._plain), refresh=False)
        self._bar.refresh()

    def _safely(self, draw: Callable[[], object]) -> None:
        if self._is_broken:
            return
        try:
            draw()
        except (OSError, ValueError):
            self._is_broken = True


class _Rate:
    """Bytes per second, newer seconds counting more."""

    def __init__(self) -> None:
        self._before: tuple[int, float] | None = None
        self.bytes_per_s: float | None = None

    def note(self, received_bytes: int, elapsed_s: float) -> None:
        if self._before is None:
            self._before = (received_bytes, elapsed_s)
            return
        bytes_before, s_before = self._before
        step_s = elapsed_s - s_before
        if step_s < REDRAW_INTERVAL_S:
            return
        self._before = (received_bytes, elapsed_s)
        now = max(0, received_bytes - bytes_before) / step_s
        weight = min(1.0, step_s / RATE_WINDOW_S)
        self.bytes_per_s = now if self.bytes_per_s is None else self.bytes_per_s + weight * (now - self.bytes_per_s)


def fraction(snapshot: ProgressSnapshot) -> float:
    """How much of the run is behind us, from 0 to 1: by bytes where their sum is known, else by reports."""
    if snapshot.done >= snapshot.total:
        return 1.0
    if snapshot.expected_total_bytes:
        return min(1.0, snapshot.received_bytes / snapshot.expected_total_bytes)
    return snapshot.done / snapshot.total


def line_text(snapshot: ProgressSnapshot, bytes_per_s: float | None, *, plain: bool = False) -> str:
    """What stands beside the bar. `plain`: ASCII only."""
    parts = [f"{snapshot.done:,}/{snapshot.total:,}{f' ({snapshot.failed:,} failed)' if snapshot.failed else ''}"]
    about = f" of ~{size(snapshot.expected_total_bytes)}" if snapshot.expected_total_bytes else ""
    parts.append(f"{size(snapshot.received_bytes)}{about}")
    if bytes_per_s is not None:
        parts.append(f"{size(bytes_per_s)}/s")
    if snapshot.eta_s is not None:
        parts.append(f"{duration(snapshot.eta_s)} to go")
    if snapshot.waiting:
        parts.append(f"{snapshot.waiting:,} to write")
    parts += [
        f"{shorten(escape_invisible(name), NAME_WIDTH)} {size(received_bytes) if received_bytes else 'waiting'}"
        for name, received_bytes in sorted(snapshot.in_flight, key=lambda pair: -pair[1])
    ]
    text = " · ".join(parts)[:LONGEST_LINE]
    return text.replace("·", "|").encode("ascii", "replace").decode("ascii") if plain else text


def _takes_text(stream: TextIO) -> bool:
    """Whether writing would not block: a terminal held by Ctrl-S takes nothing. True where that cannot be told."""
    try:
        return bool(select.select([], [stream], [], 0)[1])
    except (OSError, ValueError, TypeError, AttributeError):
        return True
