"""The main thread while a run goes on: takes events from the inbox until every report has ended.

    fetch threads ──Fetched──► pool ──Finished──► ledger        (a report arrived and was written)
         ▲                                          │
         └────── schedule ◄────────── Retry ◄───────┘           (cut, corrupt, refused: once more)

It decides nothing about retries (ledger) and nothing about workers (pool); it knows when a run has to end early:
a stop signal, the deadline, a lost session, no workers.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError, SfrError
from sfr.fetching import inbox as events
from sfr.fetching.endings import cut_off, interrupted, no_thread_granted, no_workers, worker_lost
from sfr.fetching.ledger import FailedAttempt, Ledger
from sfr.fetching.routing import with_route_note
from sfr.fetching.schedule import FetchSchedule, FetchTask
from sfr.files.atomic import remove_quietly
from sfr.model import ReportStats
from sfr.workers.generation import WorkerGone, WorkerSaid
from sfr.workers.pool import Finished, WorkerPool

if TYPE_CHECKING:
    from sfr.fetching.threads import FetchThreads
    from sfr.session import Session

log = logging.getLogger(__name__)

#: How long the main thread sleeps at most before it looks at time limits, workers and progress.
TICK_S = 0.2
#: In-flight requests that were aborted come back within this, or are not waited for.
ABORT_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """When a run ends early; both count in seconds."""

    deadline_clock_s: float | None
    deadline_s: float
    stop_grace_s: float


@dataclass(slots=True)
class _InPool:
    task: FetchTask
    session: Session
    received_bytes: int


class RunLoop:
    """One run's events, from the first to the last. Main thread only."""

    def __init__(
        self,
        inbox: events.Inbox,
        ledger: Ledger,
        schedule: FetchSchedule,
        fetching: FetchThreads,
        pool: WorkerPool,
        limits: TimeLimits,
        on_tick: Callable[[RunLoop], None],
    ) -> None:
        self.stop_signal: int | None = None
        self._inbox, self._ledger, self._schedule = inbox, ledger, schedule
        self._fetching, self._pool, self._limits = fetching, pool, limits
        self._on_tick = on_tick
        self._in_pool: dict[int, _InPool] = {}
        self._give_up_clock_s: float | None = None
        self._is_aborted = False

    def run(self) -> None:
        """Return when every report has ended. Raises what broke a thread (a bug of ours)."""
        while self._ledger.open_count:
            # All that is there before anything is judged: after a standstill (a slow disk) clocks alone would mislead.
            for event in self._inbox.take(TICK_S):
                self._take_in(event)
            for finished in self._pool.check():
                self._finish(finished)
            self._look_at_the_clock()
            self._on_tick(self)

    @property
    def in_flight(self) -> list[tuple[int, int, float]]:
        """Per request in flight: the report's position, bytes received so far, when the attempt began."""
        return self._fetching.in_flight()

    @property
    def arrived_bytes(self) -> int:
        """Size, as received, of the bodies that the pool answers for."""
        return sum(place.received_bytes for place in self._in_pool.values())

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet."""
        return self._pool.waiting

    # Events

    def _take_in(self, event: events.Event) -> None:
        match event:
            case WorkerSaid() | WorkerGone():
                for finished in self._pool.hear(event):
                    self._finish(finished)
            case events.AttemptBegun(task, at, clock_s):
                self._ledger.note_attempt(task.report.position, task.attempt, at, clock_s)
            case events.Fetched():
                self._take_in_payload(event)
            case events.FetchFailed():
                self._take_in_failed_fetch(event)
            case events.Opened():
                self._begin_to_fetch()
            case events.OpeningFailed(error) | events.SessionLost(error):
                self._lose_session(error)
            case events.StopRequested(signal_number):
                self._stop(signal_number)
            case events.ThreadBroke(bug):
                raise bug

    def _begin_to_fetch(self) -> None:
        if (refused := self._fetching.start()) is not None:
            self._close(no_thread_granted(refused))

    def _take_in_payload(self, fetched: events.Fetched) -> None:
        payload, position = fetched.payload, fetched.task.report.position
        if not self._ledger.is_open(position):
            self._fetching.discard(payload)
            return
        self._ledger.entries[position].http_status = payload.http_status
        self._in_pool[payload.number] = _InPool(fetched.task, fetched.session, payload.received_bytes)
        self._pool.put(payload)

    def _take_in_failed_fetch(self, event: events.FetchFailed) -> None:
        self._take_in_failure(event.task, event.failed)
        if event.failed.error.concerns_every_report:
            self._schedule.let_go()

    def _take_in_failure(self, task: FetchTask, failed: FailedAttempt) -> None:
        """Ask the ledger what follows a failed attempt, be it the network's or the content's fault."""
        position = task.report.position
        if not self._ledger.is_open(position):
            return
        log.info("%s, attempt %d: %s: %s", task.report.name, task.attempt, failed.error.kind, failed.error.message)
        retry = self._ledger.judge(position, failed)
        if retry is not None:
            entry = self._ledger.entries[position]
            first = (
                (entry.first_request_at, entry.first_request_clock_s)
                if entry.first_request_at is not None and entry.first_request_clock_s is not None
                else None
            )
            again = replace(
                task,
                attempt=entry.attempts + 1,
                lost_session=retry.lost_session,
                route=retry.route or task.route,
                first_request=first,
            )
            self._schedule.put(again, retry.wait_s)
        elif failed.error.kind is ErrorKind.CHALLENGE:
            self._ledger.lost = failed.error
        if self._ledger.lost is not None:
            self._close(self._ledger.lost)

    def _finish(self, finished: Finished) -> None:
        """A payload came out of the pool."""
        payload = finished.payload
        place = self._in_pool.pop(payload.number)
        self._fetching.release(payload)
        position, stats = payload.report.position, finished.stats
        if stats is None or not stats.is_valid:
            remove_quietly(payload.spool_path)
        if not self._ledger.is_open(position):
            return
        if stats is None:
            self._ledger.end_failed(position, no_workers() if self._pool.is_given_up else worker_lost())
        elif stats.is_valid or stats.error is None:
            self._ledger.note_working(place.session)
            self._ledger.routes.note_brought(place.session, stats.route)
            self._ledger.end(with_route_note(stats, payload.baseline))
        elif stats.is_retryable:
            error = ReportError(stats.error, stats.message, remedy="", http_status=stats.http_status)
            self._take_in_failure(
                place.task, _failed_content(error, place.session, payload.times.request_clock_s, stats)
            )
        else:
            self._ledger.end(stats)

    # Ending early

    def _lose_session(self, error: SfrError) -> None:
        if self._ledger.closing is None:
            log.error("%s", error)
        if isinstance(error, ReportError):
            self._close(error)
        else:
            self._ledger.lost = ReportError(ErrorKind.AUTH, str(error), remedy="", permanent=True)
            self._close(self._ledger.lost)

    def _stop(self, signal_number: int) -> None:
        if self.stop_signal is not None:
            log.warning("A second stop signal: the run ends at once.")
            self._give_up_clock_s = time.monotonic()
            return
        self.stop_signal = signal_number
        name = signal.Signals(signal_number).name
        log.warning(
            "Stopped by %s: what is in flight gets %g s (`fetch.stop_grace_s`).", name, self._limits.stop_grace_s
        )
        self._close(interrupted())
        self._give_up_after(self._limits.stop_grace_s)

    def _close(self, reason: ReportError) -> None:
        """Ask for nothing more: what has not been asked ends with this reason; what is in flight goes on."""
        if self._ledger.closing is not None:
            return
        self._ledger.closing = reason
        left = self._schedule.close()
        self._ledger.end_open(reason, [task.report.position for task in left])

    def _give_up_after(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        self._give_up_clock_s = limit if self._give_up_clock_s is None else min(limit, self._give_up_clock_s)

    def _look_at_the_clock(self) -> None:
        now = time.monotonic()
        if self._pool.is_given_up:
            self._close(no_workers())
            self._abort()
        deadline = self._limits.deadline_clock_s
        if deadline is not None and now > deadline and self._ledger.closing is None:
            log.warning("The run's deadline of %g s (`fetch.deadline_s`) has passed.", self._limits.deadline_s)
            self._close(cut_off(self._limits.deadline_s))
            self._abort()
            self._give_up_after(self._limits.stop_grace_s)
        if self._give_up_clock_s is not None and now >= self._give_up_clock_s:
            self._abort()
            self._pool.kill()
            for finished in self._pool.take_back():
                remove_quietly(finished.payload.spool_path)
            self._ledger.end_open(self._ledger.closing or interrupted())

    def _abort(self) -> None:
        """End the requests in flight; each still comes back as a failure, or is not waited for."""
        if not self._is_aborted:
            self._is_aborted = True
            self._fetching.abort()
            self._give_up_after(max(ABORT_GRACE_S, self._limits.stop_grace_s))


def _failed_content(error: ReportError, session: Session, request_clock_s: float, stats: ReportStats) -> FailedAttempt:
    """A failed attempt whose body arrived but was not a whole report."""
    received_clock_s = stats.times.received_clock_s if stats.times else request_clock_s
    return FailedAttempt(
        error,
        duration_s=received_clock_s - request_clock_s,
        session=session,
        route=stats.route,
        times=stats.times,
        received_bytes=stats.received_bytes,
    )
