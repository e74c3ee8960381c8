"""Hands deliveries to threads when they are due, never two at once that write to the same local file. Thread-safe."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sfr.destinations import Destination, ProvedFile
    from sfr.history.deliveries import DeliveredContent

#: Maximum sleep between two checks, so that every wait is bounded.
MAX_SLEEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One report, due to go to one destination."""

    #: The report's position.
    position: int
    #: The destination's name in the configuration.
    name: str
    destination: Destination
    file: ProvedFile
    #: Where it goes, as the history knows it.
    content: DeliveredContent
    #: Deliveries with the same, not empty text go one after the other.
    lane: str
    #: The attempt that is due, from 1.
    attempt: int = 1


class DeliverySchedule:
    """Deliveries in the order in which they are due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._condition = threading.Condition()
        self._waiting: list[tuple[float, Delivery]] = []
        self._busy_lanes: set[str] = set()
        #: By the destination's name.
        self._not_before: dict[str, float] = {}
        self._is_closed = False
        self._idle_threads = 0

    def put(self, delivery: Delivery) -> None:
        """Add a delivery that is due."""
        with self._condition:
            self._waiting.append((self._clock(), delivery))
            self._condition.notify()

    def put_again(self, delivery: Delivery, wait_s: float, *, is_unreachable: bool) -> None:
        """Add a delivery that failed, due in `wait_s` seconds, before all others.

        If its destination is out of reach, the others that go there wait as well: with many of them, each attempt at
        a destination that is down would take its time before any is given up.
        """
        with self._condition:
            due_clock_s = self._clock() + wait_s
            self._waiting.insert(0, (due_clock_s, delivery))
            if is_unreachable:
                self._not_before[delivery.name] = due_clock_s
            self._condition.notify()

    def take(self) -> Delivery | None:
        """The next delivery, once it is due and its lane is free; None once the schedule is closed and empty."""
        with self._condition:
            self._idle_threads += 1
            try:
                while not self._is_closed:
                    delivery, wait_s = self._next()
                    if delivery is not None:
                        return delivery
                    self._condition.wait(wait_s)
                return None
            finally:
                self._idle_threads -= 1

    def done(self, delivery: Delivery, *, is_unreachable: bool = False) -> None:
        """The delivery that was taken has ended or is abandoned: the next one of its lane may start.

        If its destination was out of reach, nothing goes there until `put_again` or `resume`.
        """
        with self._condition:
            self._busy_lanes.discard(delivery.lane)
            if is_unreachable:
                self._not_before[delivery.name] = math.inf
            self._condition.notify_all()

    def resume(self, name: str) -> None:
        """Deliver to this destination again."""
        with self._condition:
            self._not_before.pop(name, None)
            self._condition.notify_all()

    def withdraw(self, names: Iterable[str] | None = None) -> list[Delivery]:
        """Remove and return the waiting deliveries (to destinations of these names)."""
        with self._condition:
            chosen = None if names is None else set(names)
            out = [each for _, each in self._waiting if chosen is None or each.name in chosen]
            self._waiting = [pair for pair in self._waiting if pair[1] not in out]
            return out

    def close(self) -> None:
        """Let the threads end."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()

    @property
    def needs_thread(self) -> bool:
        """Whether more deliveries wait than threads do."""
        with self._condition:
            return len(self._waiting) > self._idle_threads

    def _next(self) -> tuple[Delivery | None, float]:
        """The next delivery, or else how long to wait."""
        now, wait_s = self._clock(), MAX_SLEEP_S
        for place, (due_clock_s, delivery) in enumerate(self._waiting):
            if delivery.lane in self._busy_lanes:
                continue
            due_clock_s = max(due_clock_s, self._not_before.get(delivery.name, 0.0))
            if due_clock_s <= now:
                del self._waiting[place]
                if delivery.lane:
                    self._busy_lanes.add(delivery.lane)
                return delivery, 0.0
            wait_s = min(wait_s, due_clock_s - now)
        return None, wait_s
