"""How far a run is, as a sentence now and then: for logs, pipes and terminals that cannot move their cursor."""

from __future__ import annotations

from collections.abc import Callable

from sfr.progress.snapshot import Snapshot
from sfr.terminal.figures import counted, duration, size

#: A status line comes after so long, or when so much of the reports is done, whichever is first.
STATUS_INTERVAL_S = 30.0
STATUS_STEP = 0.1


class StatusLines:
    """A sentence every 30 s or 10 % of the reports; nothing between."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._next_s = STATUS_INTERVAL_S
        self._next_done = STATUS_STEP

    def update(self, snapshot: Snapshot) -> None:
        """Write a sentence if it is time for one."""
        fraction = snapshot.done / snapshot.total if snapshot.total else 1.0
        if snapshot.elapsed_s < self._next_s and fraction < self._next_done:
            return
        self._next_s = snapshot.elapsed_s + STATUS_INTERVAL_S
        self._next_done = fraction + STATUS_STEP
        self._write(sentence(snapshot))

    def close(self) -> None:
        """There is nothing to remove."""


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
