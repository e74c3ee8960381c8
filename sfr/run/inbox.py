"""What reaches the main thread while a run goes on: one queue for fetch threads, workers and signals."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.workers.generation import WorkerGone, WorkerSaid

if TYPE_CHECKING:
    from sfr.errors import SfrError
    from sfr.model import Payload
    from sfr.run.ledger import FailedAttempt
    from sfr.run.schedule import FetchTask
    from sfr.salesforce.session import Session


@dataclass(frozen=True, slots=True)
class Opened:
    """The log-in and the check of the connection are done; fetching may begin."""


@dataclass(frozen=True, slots=True)
class OpeningFailed:
    """There is no session to fetch with."""

    error: SfrError


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """A fetch thread is about to send the request of this task."""

    task: FetchTask
    at: datetime
    clock_s: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body arrived."""

    task: FetchTask
    payload: Payload
    session: Session


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """An attempt brought no body."""

    task: FetchTask
    failed: FailedAttempt


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session is lost and cannot be renewed."""

    error: SfrError


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A stop signal came: SIGINT or SIGTERM."""

    signal_number: int


@dataclass(frozen=True, slots=True)
class ThreadBroke:
    """A thread ended by an error that is a bug of ours."""

    bug: BaseException


Event = (
    Opened
    | OpeningFailed
    | AttemptBegun
    | Fetched
    | FetchFailed
    | SessionLost
    | StopRequested
    | ThreadBroke
    | WorkerSaid
    | WorkerGone
)


#: Events that may lie unread before fetch threads give way.
MOST_UNREAD = 16
#: A fetch thread gives way for at most so long at a time.
LONGEST_GIVING_WAY_S = 5.0
GIVING_WAY_TICK_S = 0.002


class Inbox:
    """Thread-safe, and `post` may be called from a signal handler (`queue.SimpleQueue.put` is reentrant)."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def post(self, event: Event) -> None:
        """Leave an event for the main thread."""
        self._events.put(event)

    def take(self, timeout_s: float) -> list[Event]:
        """All events that are there, the oldest first, waiting at most so long for one."""
        try:
            events = [self._events.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        events += [self._events.get_nowait() for _ in range(self._events.qsize())]
        return events

    def give_way(self, is_stopped: Callable[[], bool], is_behind: Callable[[], bool]) -> None:
        """Wait a little while the main thread has more to read than it should, or the workers are behind.

        Ends at once when the run stops.

        Fetch threads that go on and on would keep the interpreter's lock from it; workers would then have nothing to
        do, and what small reports bring would pile up in memory.
        """
        limit = time.monotonic() + LONGEST_GIVING_WAY_S
        while (self._events.qsize() > MOST_UNREAD or is_behind()) and time.monotonic() < limit and not is_stopped():
            time.sleep(GIVING_WAY_TICK_S)
