"""Builds the snapshots that the progress display shows, from the parts of the run."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.progress.estimate import Estimator, Underway
from sfr.progress.rates import Rates
from sfr.progress.snapshot import Phase, ReportProgress, Snapshot

if TYPE_CHECKING:
    from sfr.progress.display import Display
    from sfr.results import ReportStats
    from sfr.runner.event_loop import EventLoop
    from sfr.runner.events import Fetched
    from sfr.runner.fetch_threads import Download
    from sfr.runner.ledger import Ledger

#: Minimum interval between two updates, seconds.
REFRESH_S = 0.25


@dataclass(frozen=True, slots=True)
class _InFlight:
    """A report in flight."""

    position: int
    phase: Phase
    #: When its request was sent, and when the phase began.
    begun_clock_s: float
    phase_clock_s: float
    received_bytes: int

    def underway(self, index: int, now: float) -> Underway:
        received_for_s = now - self.phase_clock_s if self.phase is Phase.WRITING else None
        return Underway(index, self.received_bytes, now - self.begun_clock_s, received_for_s)


def _downloading(download: Download) -> _InFlight:
    begun, first_byte = download.begun_clock_s, download.incoming.first_byte_clock_s
    if first_byte is None:
        return _InFlight(download.position, Phase.WAITING, begun, begun, 0)
    return _InFlight(download.position, Phase.DOWNLOADING, begun, first_byte, download.incoming.received_bytes)


def _writing(fetched: Fetched) -> _InFlight:
    payload, times = fetched.payload, fetched.times
    position, received_bytes = payload.report.position, payload.received_bytes
    return _InFlight(position, Phase.WRITING, times.request_clock_s, times.received_clock_s, received_bytes)


class ProgressView:
    """Feeds the display with snapshots. Main thread only."""

    def __init__(self, display: Display, ledger: Ledger, threads: int, workers: int, started_clock_s: float) -> None:
        self._entries = ledger.entries
        self._index = {entry.report.position: index for index, entry in enumerate(ledger.open_entries)}
        self._estimator = Estimator([entry.baseline for entry in ledger.open_entries], threads, workers)
        self._rates = Rates()
        self._display = display
        self._started_clock_s = started_clock_s
        self._shown_clock_s = float("-inf")
        self._done = self._failed = self._ended_bytes = 0

    def note_ended(self, stats: ReportStats) -> None:
        """A report has ended; those that `--resume` skips do not count, delivered or not."""
        if stats.report.position not in self._index:
            return
        self._done += 1
        self._failed += not stats.is_valid
        self._ended_bytes += stats.received_bytes or 0
        index, phases = self._index[stats.report.position], stats.phases
        worked_s = None
        if phases is not None and phases.taken_s is not None and phases.done_s is not None:
            worked_s = phases.done_s - phases.taken_s
        self._estimator.ended(index, stats.received_bytes, stats.processing_time_s, worked_s)

    def show(self, loop: EventLoop) -> None:
        """Update the display if an update is due; called in every round of the main loop."""
        now = time.monotonic()
        if now - self._shown_clock_s >= REFRESH_S:
            self._shown_clock_s = now
            in_flight = [_downloading(each) for each in loop.downloads] + [_writing(each) for each in loop.in_pool]
            self._display.update(self._snapshot(in_flight, now, loop.in_delivery))

    def _snapshot(self, in_flight: list[_InFlight], now: float, delivering: int = 0) -> Snapshot:
        in_flight.sort(key=lambda each: each.begun_clock_s)
        rates = self._rates.note(
            {each.position: each.received_bytes for each in in_flight if each.phase is Phase.DOWNLOADING}, now
        )
        received_bytes = self._ended_bytes + sum(each.received_bytes for each in in_flight)
        estimate = self._estimator.estimate(
            [each.underway(self._index[each.position], now) for each in in_flight],
            received_bytes,
            now - self._started_clock_s,
        )
        return Snapshot(
            done=self._done,
            failed=self._failed,
            total=len(self._index),
            reports=tuple(
                ReportProgress(
                    self._entries[each.position].report.name,
                    each.phase,
                    now - each.phase_clock_s,
                    each.received_bytes,
                    rates.get(each.position),
                )
                for each in in_flight
            ),
            received_bytes=received_bytes,
            ended_bytes=self._ended_bytes,
            expected_total_bytes=estimate.expected_total_bytes,
            elapsed_s=now - self._started_clock_s,
            eta_s=estimate.eta_s,
            delivering=delivering,
        )

    def close(self) -> None:
        """Show the final state, however short the run was, and remove the display."""
        self._display.update(self._snapshot([], time.monotonic()))
        self._display.close()
