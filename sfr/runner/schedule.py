"""What is to be fetched next: the longest first, not before its time, no more at once than the org allows.

Fetch threads take tasks here and give their place back; the main thread adds tasks and closes the schedule.
Backing off costs no thread: a task that has to wait lies here while the threads fetch others.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.salesforce.routes import first_route

if TYPE_CHECKING:
    from sfr.model import Baseline, Report
    from sfr.salesforce.session import Session


@dataclass(frozen=True, slots=True)
class FetchTask:
    """One attempt at one report."""

    report: Report
    #: From 1.
    attempt: int
    #: The report's last good run, if there was one.
    baseline: Baseline | None = None
    #: The session that was found lost; the attempt begins by renewing it.
    lost_session: Session | None = None
    #: The route to take: a key of `sfr.salesforce.routes.ROUTES`.
    route: str = "classic"

    @classmethod
    def first(cls, report: Report, baseline: Baseline | None) -> FetchTask:
        """The first attempt at a report."""
        return cls(report, attempt=1, baseline=baseline, route=first_route(report))

    @property
    def expected_s(self) -> float | None:
        """How long the report took last time; None (unknown) counts as long."""
        return self.baseline.duration_s if self.baseline else None


class Concurrency:
    """How many tasks may run at once: halved by a rate-limit answer, restored slowly by successes.

    Additive increase, multiplicative decrease; the answers of one burst halve once. Not thread-safe.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = float(most)
        self._halved_clock_s = float("-inf")

    @property
    def limit(self) -> int:
        """Tasks that may run at once now; at least 1."""
        return max(1, int(self._limit))

    def note_success(self) -> None:
        """Allow a little more: one more task after about as many successes as may run at once."""
        self._limit = min(self._most, self._limit + 1.0 / max(1.0, self._limit))

    def note_rate_limited(self, started_clock_s: float, in_use: int, now_s: float) -> None:
        """Allow half of what is in use, unless this request left before the last halving."""
        if started_clock_s >= self._halved_clock_s:
            self._limit = max(1.0, min(self._limit, float(in_use)) / 2)
            self._halved_clock_s = now_s


class FetchSchedule:
    """Thread-safe: tasks in, tasks out, until closed."""

    #: Longest a thread sleeps before it looks again, so that no wait is without a bound.
    MAX_SLEEP_S = 1.0

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._ready: list[tuple[float, int, FetchTask]] = []
        self._delayed: list[tuple[float, int, FetchTask]] = []
        self._order = itertools.count()
        self._concurrency = Concurrency(threads)
        self._in_use = 0
        self._is_closed = False
        self._pauses = 0

    def put(self, task: FetchTask, wait_s: float = 0.0) -> None:
        """Offer a task, not before so many seconds from now. A closed schedule drops it."""
        with self._condition:
            if self._is_closed:
                return
            heapq.heappush(self._delayed, (self._clock() + wait_s, next(self._order), task))
            self._condition.notify()

    def take(self) -> FetchTask | None:
        """The next task, when one is due and the concurrency allows it; None once the schedule is closed."""
        with self._condition:
            while not self._is_closed:
                now = self._clock()
                self._move_due(now)
                has_place = not self._pauses and self._in_use < self._concurrency.limit
                if self._ready and has_place:
                    self._in_use += 1
                    return heapq.heappop(self._ready)[2]
                until_due = self._delayed[0][0] - now if self._delayed and has_place else self.MAX_SLEEP_S
                self._condition.wait(min(until_due, self.MAX_SLEEP_S))
            return None

    def pause(self) -> None:
        """Hand out nothing until `resume` was called once for each `pause`."""
        with self._condition:
            self._pauses += 1

    def resume(self) -> None:
        """Undo one `pause`."""
        with self._condition:
            self._pauses -= 1
            self._condition.notify_all()

    def task_done(self, started_clock_s: float, *, was_rate_limited: bool, was_success: bool) -> None:
        """A thread is done with its task; say how it went, for the concurrency."""
        with self._condition:
            if was_rate_limited:
                self._concurrency.note_rate_limited(started_clock_s, self._in_use, self._clock())
            elif was_success:
                self._concurrency.note_success()
            self._in_use -= 1
            self._condition.notify_all()

    def close(self) -> list[FetchTask]:
        """Hand out nothing more; returns the tasks that were left."""
        with self._condition:
            self._is_closed = True
            left = [task for _, _, task in [*self._ready, *self._delayed]]
            self._ready.clear()
            self._delayed.clear()
            self._condition.notify_all()
            return left

    @property
    def concurrency(self) -> int:
        """Tasks that may run at once now."""
        with self._condition:
            return self._concurrency.limit

    def _move_due(self, now_s: float) -> None:
        while self._delayed and self._delayed[0][0] <= now_s:
            _, order, task = heapq.heappop(self._delayed)
            # Unknown durations first of all: one of them may be the longest.
            longest_first = float("-inf") if task.expected_s is None else -task.expected_s
            heapq.heappush(self._ready, (longest_first, order, task))
