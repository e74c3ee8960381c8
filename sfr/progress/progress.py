"""How far a run is: one line on a terminal, a status line in the log now and then elsewhere.

Draws what it is given; knows neither threads nor queues. Nothing here waits for a slow terminal or fails with a
broken one.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from sfr.logs.format import is_terminal
from sfr.terminal.figures import counted, duration, size

if TYPE_CHECKING:
    from sfr.progress.line import TerminalLine

log = logging.getLogger(__name__)

#: A status line comes after so long, or when so much of the reports is done, whichever is first.
STATUS_INTERVAL_S = 30.0
STATUS_STEP = 0.1


@dataclass(frozen=True, slots=True)
class ProgressSnapshot:
    """Where the run is at one moment."""

    #: Reports that have ended, the failed ones among them; of how many.
    done: int
    failed: int
    total: int
    #: Over the network, so far.
    received_bytes: int
    #: What is being downloaded: name, bytes so far.
    in_flight: tuple[tuple[str, int], ...]
    #: Payloads received that no worker has finished.
    waiting: int
    expected_total_bytes: int | None
    elapsed_s: float
    eta_s: float | None


class Progress(Protocol):
    """What shows snapshots."""

    def update(self, snapshot: ProgressSnapshot) -> None:
        """Show this, or remember it for later; called several times a second."""
        ...

    def clear(self) -> None:
        """Wipe the line, so that something else can be written; the next update draws it again."""
        ...

    def close(self) -> None:
        """Wipe the line for good."""
        ...


def open_progress(wanted: bool | None, stream: TextIO | None = None) -> Progress:
    """A progress line if it is wanted (None: if the stream is a terminal), else status lines.

    stream: stderr unless given. Status lines go to the log at INFO; if a line was asked for but there is no terminal
    to draw it on, they are written to the stream.
    """
    stream = sys.stderr if stream is None else stream
    if stream is not None and is_terminal(stream) and wanted is not False:
        return _terminal_line(stream)
    return StatusLines(_writer(stream) if wanted and stream is not None else log.info)


def _terminal_line(stream: TextIO) -> TerminalLine:
    from sfr.progress.line import TerminalLine  # which imports tqdm

    return TerminalLine(stream)


def _writer(stream: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        try:
            stream.write(f"{text}\n")
            stream.flush()
        except (OSError, ValueError):
            pass  # nobody reads it any more

    return write


class StatusLines:
    """A sentence every 30 s or 10 % of the reports; nothing between."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._next_s = STATUS_INTERVAL_S
        self._next_done = STATUS_STEP

    def update(self, snapshot: ProgressSnapshot) -> None:
        """Write a sentence if it is time for one."""
        fraction = snapshot.done / snapshot.total if snapshot.total else 1.0
        with self._lock:
            if snapshot.elapsed_s < self._next_s and fraction < self._next_done:
                return
            self._next_s = snapshot.elapsed_s + STATUS_INTERVAL_S
            self._next_done = fraction + STATUS_STEP
        self._write(sentence(snapshot))

    def clear(self) -> None:
        """There is no line to wipe."""

    def close(self) -> None:
        """There is no line to wipe."""


def sentence(snapshot: ProgressSnapshot) -> str:
    """The snapshot in words, as log lines have it."""
    failed = f" ({snapshot.failed:,} failed)" if snapshot.failed else ""
    parts = [
        f"{snapshot.done:,} of {counted(snapshot.total, 'report')}{failed}",
        f"{size(snapshot.received_bytes)} in {duration(snapshot.elapsed_s)}",
        f"{len(snapshot.in_flight):,} in flight",
    ]
    if snapshot.waiting:
        parts.append(f"{snapshot.waiting:,} waiting for a worker")
    if snapshot.eta_s is not None:
        parts.append(f"about {duration(snapshot.eta_s)} to go")
    return ", ".join(parts)
