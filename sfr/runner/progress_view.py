"""What the progress display shows, gathered from the run's parts; `sfr.progress` draws it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sfr.progress.estimate import Estimator, InFlight
from sfr.progress.progress import ProgressSnapshot, open_progress

if TYPE_CHECKING:
    from sfr.results import ReportStats
    from sfr.runner.event_loop import EventLoop
    from sfr.runner.ledger import Ledger

#: A line that changes more often than this is not read any better.
REFRESH_S = 0.25


class ProgressView:
    """Main thread only."""

    def __init__(self, wanted: bool | None, ledger: Ledger, threads: int, started_clock_s: float) -> None:
        self._entries = ledger.entries
        self._index = {entry.report.position: index for index, entry in enumerate(ledger.open_entries)}
        self._estimator = Estimator([entry.baseline for entry in ledger.open_entries], threads)
        self._progress = open_progress(wanted)
        self._started_clock_s = started_clock_s
        self._shown_clock_s = float("-inf")
        self._done = self._failed = self._received_bytes = 0

    def note_ended(self, stats: ReportStats) -> None:
        """A report has ended; one that `--resume` skips was never under way and does not count."""
        index = self._index[stats.report.position]
        self._done += 1
        self._failed += not stats.is_valid
        self._received_bytes += stats.received_bytes or 0
        self._estimator.ended(index, stats.received_bytes, stats.processing_time_s)

    def show(self, loop: EventLoop) -> None:
        """Bring the line up to date, if it is time; the main loop calls this all the time."""
        now = time.monotonic()
        if now - self._shown_clock_s < REFRESH_S:
            return
        self._shown_clock_s = now
        downloads = [(each, each.incoming.received_bytes) for each in loop.downloads]
        received_bytes = self._received_bytes + loop.arrived_bytes + sum(size for _, size in downloads)
        running = [InFlight(self._index[each.position], size, now - each.begun_clock_s) for each, size in downloads]
        estimate = self._estimator.estimate(running, received_bytes, now - self._started_clock_s)
        shown = tuple((self._entries[each.position].report.name, size) for each, size in downloads)
        self._update(received_bytes, shown, loop.waiting, estimate.expected_total_bytes, estimate.eta_s)

    def _update(
        self,
        received_bytes: int,
        in_flight: tuple[tuple[str, int], ...] = (),
        waiting: int = 0,
        expected_total_bytes: int | None = None,
        eta_s: float | None = None,
    ) -> None:
        self._progress.update(
            ProgressSnapshot(
                done=self._done,
                failed=self._failed,
                total=len(self._index),
                received_bytes=received_bytes,
                in_flight=in_flight,
                waiting=waiting,
                expected_total_bytes=expected_total_bytes,
                elapsed_s=time.monotonic() - self._started_clock_s,
                eta_s=eta_s,
            )
        )

    def clear(self) -> None:
        """Take the line away, so that other lines can be written."""
        self._progress.clear()

    def close(self) -> None:
        """Show the end, however short the run was, and take the line away for good."""
        self._update(self._received_bytes)
        self._progress.close()
