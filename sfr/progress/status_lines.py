"""Reports the progress of a run in occasional sentences, for logs, pipes and terminals without cursor control."""

from __future__ import annotations

from collections.abc import Callable

from sfr.progress.snapshot import Snapshot
from sfr.terminal.figures import counted, duration, size

#: A status line is written after this time, or after this share of the reports, whichever comes first.
STATUS_INTERVAL_S = 30.0
STATUS_STEP = 0.1


class StatusLines:
    """Writes a sentence every 30 s or 10 % of the reports."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._next_s = STATUS_INTERVAL_S
        self._next_done = STATUS_STEP

    def update(self, snapshot: Snapshot) -> None:
        """Write a sentence if one is due."""
        fraction = snapshot.done / snapshot.total if snapshot.total else 1.0
        if snapshot.elapsed_s < self._next_s and fraction < self._next_done:
            return
        self._next_s = snapshot.elapsed_s + STATUS_INTERVAL_S
        self._next_done = fraction + STATUS_STEP
        self._write(sentence(snapshot))

    def close(self) -> None:
        """Do nothing: there is nothing to remove."""


def sentence(snapshot: Snapshot) -> str:
    """The snapshot in words."""
    failed = f" ({snapshot.failed:,} failed)" if snapshot.failed else ""
    writing = snapshot.writing
    parts = [
        f"{snapshot.done:,} of {counted(snapshot.total, 'report')}{failed}",
        f"{size(snapshot.received_bytes)} in {duration(snapshot.elapsed_s)}",
        f"{len(snapshot.reports) - writing:,} in flight",
        f"{writing:,} being checked and written" if writing else "",
        f"{snapshot.delivering:,} being delivered" if snapshot.delivering else "",
        snapshot.time_to_go,
    ]
    return ", ".join(filter(None, parts))
