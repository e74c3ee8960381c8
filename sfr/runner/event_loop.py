"""The event loop of a run, in the main thread: handles events from the inbox until every report has ended.

    fetch threads ──Fetched──► pool ──Finished──► ledger        (a report arrived and was written)
         ▲                                          │
         └────── schedule ◄────────── Retry ◄───────┘           (cut, corrupt, refused: try again)

The ledger decides about retries and the pool about workers; the loop decides when a run ends early: at a stop signal,
the deadline, a lost session, or without workers.
"""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from sfr.errors import ErrorKind, ReportError, SfrError
from sfr.inbox import Inbox
from sfr.runner import events
from sfr.runner.delivery_threads import DeliveryAttempted
from sfr.runner.endings import (
    deadline_passed,
    interrupted,
    lease_lost,
    no_fetch_threads,
    no_workers,
    undelivered,
    worker_lost,
)
from sfr.storage.atomic import remove_quietly
from sfr.workers.generation import WorkerExited, WorkerReported

if TYPE_CHECKING:
    from sfr.runner.attempts import Retry
    from sfr.runner.deliveries import Deliveries, Ended
    from sfr.runner.fetch_threads import Download, FetchThreads
    from sfr.runner.ledger import Ledger
    from sfr.runner.schedule import FetchSchedule, FetchTask
    from sfr.workers.pool import Finished, WorkerPool

log = logging.getLogger(__name__)

#: Maximum interval between checks of time limits, workers and progress.
TICK_S = 0.2
#: How long to wait for aborted requests to return.
ABORT_GRACE_S = 5.0


#: Called after every round of events, several times a second.
OnTick: TypeAlias = "Callable[[EventLoop], None]"


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """When a run ends early."""

    deadline_clock_s: float | None
    deadline_s: float
    stop_grace_s: float


class EventLoop:
    """Handles the events of one run. Main thread only."""

    def __init__(
        self,
        inbox: Inbox[events.Event],
        ledger: Ledger,
        schedule: FetchSchedule,
        fetching: FetchThreads,
        pool: WorkerPool,
        deliveries: Deliveries,
        limits: TimeLimits,
        on_tick: OnTick,
    ) -> None:
        self.stop_signal: int | None = None
        self._inbox, self._ledger, self._schedule = inbox, ledger, schedule
        self._fetching, self._pool, self._limits = fetching, pool, limits
        self._deliveries = deliveries
        self._on_tick = on_tick
        #: The payloads pending in the pool.
        self._in_pool: dict[tuple[int, int], events.Fetched] = {}
        self._give_up_clock_s: float | None = None
        self._is_aborted = False

    def run(self) -> None:
        """Return when every report has ended. Raises the error of a thread that crashed (a bug in SFR)."""
        while self._ledger.open_count:
            # All events first: after a suspension (a slow disk), clocks alone would suggest timeouts.
            for event in self._inbox.take(TICK_S):
                self._dispatch(event)
            for finished in self._pool.check():
                self._finish(finished)
            self._end_delivered(self._deliveries.check())
            self._check_time_limits()
            self._on_tick(self)

    @property
    def downloads(self) -> list[Download]:
        """The requests in flight."""
        return self._fetching.downloads

    @property
    def in_pool(self) -> Collection[events.Fetched]:
        """What was received and is pending in the pool: waiting for a worker, or being checked and written."""
        return self._in_pool.values()

    @property
    def in_delivery(self) -> int:
        """Reports whose file is in place and which are being delivered."""
        return self._deliveries.in_flight

    # Events

    def _dispatch(self, event: events.Event) -> None:  # noqa: C901 - one short case for each kind of event
        match event:
            case WorkerReported() | WorkerExited():
                for finished in self._pool.handle(event):
                    self._finish(finished)
            case events.AttemptStarted(task, at, clock_s):
                self._ledger.record_attempt(task.report.position, task.attempt, at, clock_s)
            case events.Fetched():
                self._put_into_pool(event)
            case events.FetchFailed():
                self._handle_failed_fetch(event)
            case events.StartupDone(api_version):
                self._start_fetching(api_version)
            case events.StartupFailed(error) | events.SessionLost(error):
                self._lose_session(error)
            case DeliveryAttempted():
                self._end_delivered(self._deliveries.handle(event))
            case events.StopRequested(signal_number):
                self._stop(signal_number)
            case events.LeaseLost():
                self._lose_lease()
            case events.ThreadCrashed(bug):
                raise bug

    def _start_fetching(self, api_version: str) -> None:
        if (refused := self._fetching.start(api_version)) is not None:
            self._close(no_fetch_threads(refused))

    def _put_into_pool(self, fetched: events.Fetched) -> None:
        payload, position = fetched.payload, fetched.task.report.position
        if not self._ledger.is_open(position):
            self._fetching.discard(payload)
            return
        self._ledger.entries[position].http_status = payload.http_status
        self._in_pool[payload.key] = fetched
        self._pool.put(payload)

    def _handle_failed_fetch(self, event: events.FetchFailed) -> None:
        position, error = event.task.report.position, event.failed.error
        if self._ledger.is_open(position):
            self._log_failed_attempt(event.task, error.kind, error.message)
            self._apply(event.task, self._ledger.handle_failure(position, event.failed))
        if error.concerns_every_report:
            self._schedule.resume()

    def _finish(self, finished: Finished) -> None:
        """Handle a payload that came out of the pool."""
        payload, processed = finished.payload, finished.processed
        fetched = self._in_pool.pop(payload.key)
        self._fetching.release(payload)
        position = payload.report.position
        if processed is None or not processed.is_valid:
            remove_quietly(payload.spool_path)
        if not self._ledger.is_open(position):
            return
        if processed is None:
            has_none = self._pool.has_given_up
            self._ledger.end_failed(position, no_workers(self._pool.refusal) if has_none else worker_lost())
            return
        if processed.is_retryable:
            self._log_failed_attempt(fetched.task, processed.error, processed.message)
        retry = self._ledger.handle_result(payload, processed, fetched.session, fetched.times, time.monotonic())
        self._apply(fetched.task, retry)

    def _apply(self, task: FetchTask, retry: Retry | None) -> None:
        """Apply the ledger's decision after an attempt."""
        if retry is not None:
            again = replace(
                task,
                attempt=self._ledger.entries[task.report.position].attempts + 1,
                lost_session=retry.lost_session,
                route=retry.route or task.route,
            )
            self._schedule.put(again, retry.wait_s)
        if self._ledger.lost is not None:
            self._close(self._ledger.lost)

    def _log_failed_attempt(self, task: FetchTask, kind: ErrorKind | None, message: str) -> None:
        log.info("%s, attempt %d: %s: %s", task.report.name, task.attempt, kind, message)

    def _end_delivered(self, ended: Ended) -> None:
        for position, deliveries in ended:
            self._ledger.end_delivered(position, deliveries)

    # Ending early

    def _lose_session(self, error: SfrError) -> None:
        if self._ledger.closing is None:
            log.error("%s", error)
        self._close(error if isinstance(error, ReportError) else self._ledger.lose_session(error))

    def _lose_lease(self) -> None:
        log.error("Another run has taken the output directory over; ending this one at once.")
        self._close(lease_lost())
        self._end_delivered(self._deliveries.close(undelivered(lease_lost())))
        self._give_up_clock_s = time.monotonic()

    def _stop(self, signal_number: int) -> None:
        if self.stop_signal is not None:
            log.warning("Received a second stop signal; ending the run at once.")
            self._give_up_clock_s = time.monotonic()
            return
        self.stop_signal = signal_number
        name = signal.Signals(signal_number).name
        log.warning(
            "Stopped by %s; waiting up to %g s for reports in flight (`fetch.stop_grace_s`).",
            name,
            self._limits.stop_grace_s,
        )
        self._close(interrupted())
        self._end_delivered(self._deliveries.close(undelivered(interrupted())))
        self._give_up_after(self._limits.stop_grace_s)

    def _close(self, reason: ReportError) -> None:
        """Start no more requests: reports not in flight end with this reason, those in flight continue."""
        if self._ledger.closing is not None:
            return
        self._ledger.closing = reason
        unstarted = self._schedule.close()
        self._ledger.end_open(reason, [task.report.position for task in unstarted])

    def _give_up_after(self, seconds: float) -> None:
        limit = time.monotonic() + seconds
        self._give_up_clock_s = limit if self._give_up_clock_s is None else min(limit, self._give_up_clock_s)

    def _check_time_limits(self) -> None:
        now = time.monotonic()
        if self._pool.has_given_up:
            self._close(no_workers(self._pool.refusal))
            self._abort()
        deadline = self._limits.deadline_clock_s
        if deadline is not None and now > deadline and self._ledger.closing is None:
            log.warning("The run's deadline of %g s (`fetch.deadline_s`) has passed.", self._limits.deadline_s)
            passed = deadline_passed(self._limits.deadline_s)
            self._close(passed)
            self._end_delivered(self._deliveries.close(undelivered(passed)))
            self._abort()
            self._give_up_after(self._limits.stop_grace_s)
        if self._give_up_clock_s is not None and now >= self._give_up_clock_s:
            self._abort()
            self._pool.kill()
            for finished in self._pool.withdraw_all():
                remove_quietly(finished.payload.spool_path)
            reason = self._ledger.closing or interrupted()
            self._end_delivered(self._deliveries.cut(undelivered(reason)))
            self._ledger.end_open(reason)

    def _abort(self) -> None:
        """Abort the requests in flight; each still returns as a failure, or is abandoned after a grace period."""
        if not self._is_aborted:
            self._is_aborted = True
            self._fetching.abort()
            self._give_up_after(max(ABORT_GRACE_S, self._limits.stop_grace_s))
