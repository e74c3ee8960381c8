"""The fetch threads: each takes a task from the schedule, makes one attempt, and posts what came of it.

They do not decide whether to try again, do not decode and do not write reports; a report in flight never waits for
local work.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from sfr.connectors import CONNECTORS, Exchange, Received
from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.fetching import inbox as events
from sfr.fetching.ledger import FailedAttempt
from sfr.files.atomic import remove_quietly
from sfr.files.reception import InlineBudget, Reception
from sfr.model import FetchTimes, Payload
from sfr.network.pace import Deadline
from sfr.workers.spawning import start_thread

if TYPE_CHECKING:
    from sfr.connectors.frontdoor import Frontdoor
    from sfr.fetching.ledger import Ledger
    from sfr.fetching.opening import Opening
    from sfr.fetching.schedule import FetchSchedule, FetchTask
    from sfr.network.transport import Transport
    from sfr.session import CurrentSession, Session

log = logging.getLogger(__name__)

#: Fetch threads that were aborted end well within this.
JOIN_TIMEOUT_S = 2.0
#: So many payloads may wait for a worker before a thread that would ask for the next one gives way.
MOST_WAITING = 256
#: How long a thread that waits for room sleeps before it looks again.
ROOM_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What the configuration says of fetching, and where temporaries go."""

    threads: int
    timeout_s: float
    max_report_bytes: int | None
    temporary_prefix: str


class Room:
    """Places for payloads that wait for a worker, in the queue and behind it; limit 0: any number."""

    def __init__(self, limit: int) -> None:
        self._places = threading.BoundedSemaphore(limit) if limit else None
        self._lock = threading.Lock()
        #: Payloads that are in.
        self.waiting = 0

    def enter(self, is_stopped: Callable[[], bool]) -> bool:
        """Wait for a place; False if the run stopped meanwhile."""
        while self._places is not None and not self._places.acquire(timeout=ROOM_TICK_S):
            if is_stopped():
                return False
        with self._lock:
            self.waiting += 1
        return True

    def leave(self) -> None:
        """Free a place."""
        with self._lock:
            self.waiting -= 1
        if self._places is not None:
            self._places.release()


class FetchThreads:
    """The threads, and what they have in flight."""

    def __init__(
        self,
        rules: FetchRules,
        schedule: FetchSchedule,
        transport: Transport,
        sessions: CurrentSession,
        opening: Opening,
        ledger: Ledger,
        inbox: events.Inbox,
        room: Room,
        frontdoor: Frontdoor,
    ) -> None:
        self._rules, self._schedule, self._transport = rules, schedule, transport
        self._sessions, self._opening, self._entries, self._inbox = sessions, opening, ledger.entries, inbox
        self._routes, self._frontdoor = ledger.routes, frontdoor
        self._budget = InlineBudget()
        self._room = room
        self._numbers = itertools.count(1)
        self._receptions: dict[int, tuple[int, Reception, float]] = {}
        self._threads = [
            threading.Thread(target=self._run, args=(number,), name=f"fetch-{number}", daemon=True)
            for number in range(rules.threads)
        ]

    # For the main thread

    def start(self) -> OSError | None:
        """Begin to fetch, with as many threads as the system allows; returns why, if it allows none."""
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
        """End every request in flight, now; each comes back as failed with `interrupted`."""
        self._transport.abort()

    def __enter__(self) -> FetchThreads:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End the threads; one that hangs where nothing can reach it (in DNS) is left behind."""
        self._schedule.close()
        self.abort()
        limit = time.monotonic() + JOIN_TIMEOUT_S
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, limit - time.monotonic()))

    def in_flight(self) -> list[tuple[int, int, float]]:
        """Per request in flight: the report's position, bytes received so far, when the attempt began."""
        return [
            (position, reception.received_bytes, begun_clock_s)
            for position, reception, begun_clock_s in list(self._receptions.values())
        ]

    def release(self, payload: Payload) -> None:
        """A payload has left the pool: its memory may be used again."""
        if payload.body is not None:
            self._budget.release(payload.received_bytes)

    def discard(self, payload: Payload) -> None:
        """Nobody wants this payload, which never reached the pool."""
        self._room.leave()
        self._drop(payload)

    def _drop(self, payload: Payload) -> None:
        self.release(payload)
        remove_quietly(payload.spool_path)

    # In the threads

    def _run(self, thread: int) -> None:
        try:
            while (task := self._schedule.take()) is not None:
                self._attempt(task, thread)
                self._inbox.give_way(lambda: self._transport.is_aborted, lambda: self._room.waiting > MOST_WAITING)
        except BaseException as bug:
            log.debug("Fetch thread %d broke.", thread, exc_info=True)
            self._inbox.post(events.ThreadBroke(bug))

    def _attempt(self, task: FetchTask, thread: int) -> None:
        task = replace(task, route=self._routes.route_of(task.report, task.route))
        begun_at, begun_clock_s = datetime.now().astimezone(), time.monotonic()
        self._inbox.post(events.AttemptBegun(task, begun_at, begun_clock_s))
        first_at, first_clock_s = task.first_request or (begun_at, begun_clock_s)
        times = FetchTimes(first_at, first_clock_s, begun_clock_s, begun_clock_s, begun_clock_s, thread)
        outcome = self._fetch(task, times)
        error = outcome.failed.error if isinstance(outcome, events.FetchFailed) else None
        if error is not None and error.concerns_every_report:
            self._schedule.hold()  # the main thread decides whether anything more is asked, then lets go
        self._schedule.give_back(
            begun_clock_s,
            # A quota that is used up is not one of too many requests at once.
            was_rate_limited=error is not None and error.kind is ErrorKind.RATE_LIMITED and error.is_retryable,
            was_success=error is None,
        )
        if isinstance(outcome, events.Fetched) and not self._room.enter(lambda: self._transport.is_aborted):
            self._drop(outcome.payload)
            late = ReportError(ErrorKind.INTERRUPTED, "The run ended while this report waited for a worker.")
            outcome = events.FetchFailed(task, FailedAttempt(late, time.monotonic() - begun_clock_s))
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

    def _fetch(self, task: FetchTask, times: FetchTimes) -> events.Fetched | events.FetchFailed:
        """One attempt, from the session to the received body."""
        rules, position, directory = self._rules, task.report.position, task.report.directory.rstrip("/")
        spool_start = f"{directory}/{rules.temporary_prefix}{position}-{task.attempt}-"
        reception = Reception(spool_start, self._budget, rules.max_report_bytes)
        session: Session | None = None
        self._receptions[times.thread] = (position, reception, times.request_clock_s)
        try:
            session = self._session(task)
            deadline = Deadline.after(rules.timeout_s, f"`fetch.timeout_s` ({rules.timeout_s:g} s)")
            exchange = Exchange(
                self._transport,
                session,
                self._opening.api_version,
                deadline,
                reception,
                renew=self._renewed,
                frontdoor=self._frontdoor,
            )
            received = CONNECTORS[task.route](task.report, exchange)
            body = reception.finish()
        except BaseException as error:
            reception.discard()
            if not isinstance(error, ReportError):
                raise
            failed = FailedAttempt(
                error,
                duration_s=time.monotonic() - times.request_clock_s,
                session=session,
                route=task.route,
                times=replace(times, received_clock_s=time.monotonic()),
                received_bytes=reception.received_bytes,
                lost_session=task.lost_session if session is None else None,
            )
            return events.FetchFailed(task, failed)
        finally:
            self._receptions.pop(times.thread, None)
        return events.Fetched(task, self._payload(task, received, reception, body, times), session)

    def _payload(
        self, task: FetchTask, received: Received, reception: Reception, body: bytes | None, times: FetchTimes
    ) -> Payload:
        return Payload(
            number=next(self._numbers),
            report=task.report,
            attempt=task.attempt,
            times=replace(times, first_byte_clock_s=received.first_byte_clock_s, received_clock_s=time.monotonic()),
            received_bytes=reception.received_bytes,
            body=body,
            spool_path=None if body is not None else reception.spool_path,
            content_encoding=received.content_encoding,
            is_framed=received.is_framed,
            is_declared_csv=received.is_declared_csv,
            http_status=received.http_status,
            route=task.route,
            has_footer=received.has_footer,
            baseline=self._entries[task.report.position].baseline,
        )
