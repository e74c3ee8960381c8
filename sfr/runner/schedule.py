"""The queue of fetch tasks: longest first, retries after their backoff, limited concurrency.

Fetch threads take tasks and report when they are done; the main thread adds tasks and closes the schedule. Backoff
blocks no thread: a delayed task waits here while the threads fetch others.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.salesforce.routes import ONE_AT_A_TIME, first_route

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
    #: The lost session, which the attempt renews first.
    lost_session: Session | None = None
    #: The route to use: a key of `sfr.salesforce.routes.ROUTES`.
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
    """The number of tasks that may run at once: halved by a rate-limit answer, raised slowly by successes.

    Additive increase, multiplicative decrease; one burst of answers halves once. Not thread-safe.
    """

    def __init__(self, max_limit: int) -> None:
        self._max_limit = float(max_limit)
        self._limit = float(max_limit)
        self._halved_clock_s = float("-inf")

    @property
    def limit(self) -> int:
        """Tasks that may run at once now; at least 1."""
        return max(1, int(self._limit))

    def note_success(self) -> None:
        """Raise the limit by 1 / limit: one more task per round of successes."""
        self._limit = min(self._max_limit, self._limit + 1.0 / max(1.0, self._limit))

    def note_rate_limited(self, started_clock_s: float, in_use: int, now_s: float) -> None:
        """Halve the limit, unless this request was sent before it was last halved."""
        if started_clock_s >= self._halved_clock_s:
            self._limit = max(1.0, min(self._limit, float(in_use)) / 2)
            self._halved_clock_s = now_s


class FetchSchedule:
    """A priority queue with delays and a concurrency limit. Thread-safe."""

    #: Maximum sleep of a thread between two checks, so that every wait is bounded.
    MAX_SLEEP_S = 1.0

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._ready: list[tuple[float, int, FetchTask]] = []
        self._delayed: list[tuple[float, int, FetchTask]] = []
        self._order = itertools.count()
        self._concurrency = Concurrency(threads)
        self._in_use = 0
        #: Routes of `ONE_AT_A_TIME` in use, and the ready tasks that wait for them.
        self._exclusive: set[str] = set()
        self._held: list[tuple[float, int, FetchTask]] = []
        self._is_closed = False
        self._pauses = 0

    def put(self, task: FetchTask, wait_s: float = 0.0) -> None:
        """Add a task, due in `wait_s` seconds. A closed schedule drops it."""
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
                has_slot = not self._pauses and self._in_use < self._concurrency.limit
                if has_slot and (task := self._pop_ready()) is not None:
                    self._in_use += 1
                    return task
                until_due = self._delayed[0][0] - now if self._delayed and has_slot else self.MAX_SLEEP_S
                self._condition.wait(min(until_due, self.MAX_SLEEP_S))
            return None

    def pause(self) -> None:
        """Hand out no task until `resume` has been called once for each `pause`."""
        with self._condition:
            self._pauses += 1

    def resume(self) -> None:
        """Undo one `pause`."""
        with self._condition:
            self._pauses -= 1
            self._condition.notify_all()

    def task_done(self, started_clock_s: float, *, was_rate_limited: bool, was_success: bool, route: str = "") -> None:
        """Free the slot of a task, and its route; its outcome adjusts the concurrency."""
        with self._condition:
            self._release_route(route)
            if was_rate_limited:
                self._concurrency.note_rate_limited(started_clock_s, self._in_use, self._clock())
            elif was_success:
                self._concurrency.note_success()
            self._in_use -= 1
            self._condition.notify_all()

    def close(self) -> list[FetchTask]:
        """Hand out no more tasks; returns those that were left."""
        with self._condition:
            self._is_closed = True
            left = [task for _, _, task in [*self._ready, *self._held, *self._delayed]]
            self._ready.clear()
            self._held.clear()
            self._delayed.clear()
            self._condition.notify_all()
            return left

    @property
    def concurrency(self) -> int:
        """Tasks that may run at once now."""
        with self._condition:
            return self._concurrency.limit

    def _pop_ready(self) -> FetchTask | None:
        """The first task that may run now; those whose route is in use are held back, and block no others."""
        while self._ready:
            entry = heapq.heappop(self._ready)
            task = entry[2]
            if task.route not in ONE_AT_A_TIME:
                return task
            if task.route not in self._exclusive:
                self._exclusive.add(task.route)
                return task
            self._held.append(entry)
        return None

    def _release_route(self, route: str) -> None:
        if route in self._exclusive:
            self._exclusive.discard(route)
            for entry in self._held:
                heapq.heappush(self._ready, entry)
            self._held.clear()

    def _move_due(self, now_s: float) -> None:
        while self._delayed and self._delayed[0][0] <= now_s:
            _, order, task = heapq.heappop(self._delayed)
            # Unknown durations come first: one of them may be the longest.
            longest_first = float("-inf") if task.expected_s is None else -task.expected_s
            heapq.heappush(self._ready, (longest_first, order, task))
