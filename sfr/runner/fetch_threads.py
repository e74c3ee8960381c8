"""The fetch threads: each takes a task from the schedule, makes one attempt, and posts the outcome.

They do not decide about retries, decode bodies or write reports; a report in flight never waits for local work.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.inbox import Inbox
from sfr.runner import events
from sfr.runner.attempts import AttemptTimes, FailedAttempt
from sfr.runner.backpressure import InlineMemory, PayloadSlots, Throttle
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.routes import ROUTES
from sfr.salesforce.routes.context import FetchContext
from sfr.storage.atomic import remove_quietly
from sfr.storage.spool import IncomingBody
from sfr.threads import start_thread

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.runner.routing import Routes
    from sfr.runner.schedule import FetchSchedule, FetchTask
    from sfr.salesforce.frontdoor import Frontdoor
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import CurrentSession, Session

log = logging.getLogger(__name__)

#: Aborted fetch threads exit well within this.
JOIN_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class FetchRules:
    """The fetch settings of the configuration, and the prefix of temporary files."""

    threads: int
    timeout_s: float
    max_report_bytes: int | None
    temporary_prefix: str


@dataclass(frozen=True, slots=True)
class Download:
    """A request in flight, for the progress display."""

    position: int
    begun_clock_s: float
    incoming: IncomingBody


class FetchThreads:
    """The fetch threads and their requests in flight."""

    def __init__(
        self,
        rules: FetchRules,
        schedule: FetchSchedule,
        transport: Transport,
        sessions: CurrentSession,
        routes: Routes,
        inbox: Inbox[events.Event],
        slots: PayloadSlots,
        frontdoor: Frontdoor,
    ) -> None:
        self._rules, self._schedule, self._transport = rules, schedule, transport
        self._sessions, self._routes, self._inbox, self._slots = sessions, routes, inbox, slots
        self._frontdoor, self._memory, self._throttle = frontdoor, InlineMemory(), Throttle(inbox.unread, slots)
        self._api_version = ""
        self._downloads: dict[int, Download] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"fetch-{number}", daemon=True)
            for number in range(rules.threads)
        ]

    # For the main thread

    def start(self, api_version: str) -> OSError | None:
        """Start as many threads as the system allows; returns the error if it allows none."""
        self._api_version = api_version
        for started, thread in enumerate(self._threads):
            try:
                start_thread(thread)
            except OSError as error:
                log.warning(
                    "Only %d of %d fetch threads could be started (%s).", started, len(self._threads), error.strerror
                )
                return None if started else error
        return None

    def abort(self) -> None:
        """Abort every request in flight; each fails with `interrupted`."""
        self._transport.abort()

    def __enter__(self) -> FetchThreads:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the threads; one that hangs in an uninterruptible call (DNS) is left behind."""
        self._schedule.close()
        self.abort()
        limit = time.monotonic() + JOIN_TIMEOUT_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, limit - time.monotonic()))

    @property
    def downloads(self) -> list[Download]:
        """The requests in flight."""
        return list(self._downloads.values())

    def release(self, payload: Payload) -> None:
        """Free the inline memory of a payload that has left the pool."""
        if payload.body is not None:
            self._memory.release(payload.received_bytes)

    def discard(self, payload: Payload) -> None:
        """Drop a payload that is no longer needed and never reached the pool."""
        self._slots.release()
        self._drop(payload)

    def _drop(self, payload: Payload) -> None:
        self.release(payload)
        remove_quietly(payload.spool_path)

    # In the threads

    def _run(self, thread: int) -> None:
        try:
            while (task := self._schedule.take()) is not None:
                self._attempt(task, thread)
                self._throttle.wait(self._is_stopped)
        except BaseException as bug:
            log.debug("Fetch thread %d crashed.", thread, exc_info=True)
            self._inbox.post(events.ThreadCrashed(bug))

    def _is_stopped(self) -> bool:
        return self._transport.is_aborted

    def _attempt(self, task: FetchTask, thread: int) -> None:
        task = replace(task, route=self._routes.route_of(task.report, task.route))
        begun_clock_s = time.monotonic()
        self._inbox.post(events.AttemptStarted(task, datetime.now().astimezone(), begun_clock_s))
        outcome = self._fetch(task, thread, begun_clock_s)
        error = outcome.failed.error if isinstance(outcome, events.FetchFailed) else None
        if error is not None and error.concerns_every_report:
            self._schedule.pause()  # the main thread decides whether to fetch anything else, then resumes
        self._schedule.task_done(
            begun_clock_s,
            # An exhausted quota says nothing about simultaneous requests.
            was_rate_limited=error is not None and error.kind is ErrorKind.RATE_LIMITED and error.is_retryable,
            was_success=error is None,
            route=task.route,
        )
        if isinstance(outcome, events.Fetched) and not self._slots.acquire(self._is_stopped):
            self._drop(outcome.payload)
            late = ReportError(ErrorKind.INTERRUPTED, "The run ended while this report waited for a worker.")
            outcome = events.FetchFailed(task, FailedAttempt(late, outcome.times))
        self._inbox.post(outcome)

    def _session(self, task: FetchTask) -> Session:
        if task.lost_session is not None:
            return self._renewed(task.lost_session)
        return self._from_log_in(self._sessions.log_in)

    def _renewed(self, lost: Session) -> Session:
        return self._from_log_in(lambda: self._sessions.renew(lost))

    def _from_log_in(self, take: Callable[[], Session]) -> Session:
        try:
            return take()
        except LogInError as refused:
            self._inbox.post(events.SessionLost(refused))
            raise ReportError(ErrorKind.AUTH, str(refused), remedy="", permanent=True) from refused

    def _fetch(self, task: FetchTask, thread: int, begun_clock_s: float) -> events.Fetched | events.FetchFailed:
        """One attempt, from the session to the received body."""
        rules, report = self._rules, task.report
        spool_start = f"{report.directory.rstrip('/')}/{rules.temporary_prefix}{report.position}-{task.attempt}-"
        incoming = IncomingBody(spool_start, self._memory, rules.max_report_bytes)
        session: Session | None = None
        self._downloads[thread] = Download(report.position, begun_clock_s, incoming)
        try:
            session = self._session(task)
            context = FetchContext(
                report,
                task.baseline,
                task.attempt,
                task.route,
                self._transport,
                session,
                self._api_version,
                Deadline.after(rules.timeout_s, f"`fetch.timeout_s` ({rules.timeout_s:g} s)"),
                incoming,
                renew=self._renewed,
                frontdoor=self._frontdoor,
            )
            payload = ROUTES[task.route](context)
        except BaseException as error:
            incoming.discard()
            if not isinstance(error, ReportError):
                raise
            times = _times(thread, begun_clock_s, incoming)
            lost_session = task.lost_session if session is None else None
            failed = FailedAttempt(error, times, session, task.route, incoming.received_bytes, lost_session)
            return events.FetchFailed(task, failed)
        finally:
            self._downloads.pop(thread, None)
        return events.Fetched(task, payload, session, _times(thread, begun_clock_s, incoming))


def _times(thread: int, begun_clock_s: float, incoming: IncomingBody) -> AttemptTimes:
    now_s, first_byte_s = time.monotonic(), incoming.first_byte_clock_s
    # Without a first byte, the whole attempt was spent waiting for it.
    return AttemptTimes(thread, begun_clock_s, now_s if first_byte_s is None else first_byte_s, now_s)
