"""The delivery threads: each takes a delivery from the schedule, makes one attempt, and posts how it ended.

They make no decisions. Threads of the main process, so that no worker sees a credential.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sfr.destinations import Delivered
from sfr.errors import DeliveryError
from sfr.late_imports import import_late
from sfr.runner.delivery_attempt import DeliveryAttempt
from sfr.runner.delivery_schedule import Delivery, DeliverySchedule
from sfr.threads import start_thread

log = logging.getLogger(__name__)

#: Cancelled attempts end well within this.
JOIN_TIMEOUT_S = 5.0
#: An attempt that has not ended this long after it was cancelled is abandoned, with its thread.
STUCK_AFTER_S = 10.0


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """The settings `deliveries` of the configuration, and the prefix of temporary files."""

    threads: int
    timeout_s: float
    idle_timeout_s: float
    temporary_prefix: str
    #: Called right before content becomes visible.
    may_publish: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class DeliveryAttempted:
    """An attempt at a delivery has ended."""

    delivery: Delivery
    result: Delivered | DeliveryError
    duration_s: float


class DeliveryThreads:
    """The delivery threads and their attempts in flight; threads are started when there is work for them."""

    def __init__(
        self, limits: DeliveryLimits, schedule: DeliverySchedule, post: Callable[[DeliveryAttempted], None]
    ) -> None:
        self._limits, self._schedule, self._post = limits, schedule, post
        self._lock = threading.Lock()
        self._attempts: dict[Delivery, DeliveryAttempt] = {}
        self._threads: list[threading.Thread] = []
        self._abandoned = 0

    # For the main thread

    def start_for_waiting(self) -> OSError | None:
        """Start one more thread if deliveries wait; returns the error if there is no thread at all."""
        if not self._schedule.needs_thread or len(self._threads) - self._abandoned >= self._limits.threads:
            return None
        thread = threading.Thread(target=self._run, name=f"delivery-{len(self._threads)}", daemon=True)
        try:
            start_thread(thread)
        except OSError as error:
            return None if len(self._threads) > self._abandoned else error
        self._threads.append(thread)
        return None

    def watch(self) -> list[Delivery]:
        """Cancel attempts that take too long; returns those that did not even end then, which are abandoned."""
        for attempt in self._in_flight().values():
            attempt.watch()
        stuck = [each for each, attempt in self._in_flight().items() if attempt.is_stuck(STUCK_AFTER_S)]
        for delivery in stuck:
            with self._lock:
                self._attempts.pop(delivery, None)
            self._abandoned += 1
            self._schedule.done(delivery)
        return stuck

    def cancel(self, reason: DeliveryError) -> None:
        """Cancel every attempt in flight."""
        for attempt in self._in_flight().values():
            attempt.cancel(reason)

    def close(self) -> None:
        """End the threads; one that hangs in an uninterruptible call is left behind."""
        self._schedule.close()
        limit = time.monotonic() + JOIN_TIMEOUT_S
        for thread in self._threads:
            thread.join(max(0.0, limit - time.monotonic()))

    def _in_flight(self) -> dict[Delivery, DeliveryAttempt]:
        with self._lock:
            return dict(self._attempts)

    # In the threads

    def _run(self) -> None:
        while (delivery := self._schedule.take()) is not None:
            limits = self._limits
            attempt = DeliveryAttempt(
                limits.temporary_prefix, limits.timeout_s, limits.idle_timeout_s, may_publish=limits.may_publish
            )
            with self._lock:
                self._attempts[delivery] = attempt
            begun_clock_s = time.monotonic()
            result = _attempt(delivery, attempt)
            with self._lock:
                is_abandoned = self._attempts.pop(delivery, None) is None
            if is_abandoned:
                return
            is_unreachable = isinstance(result, DeliveryError) and result.is_unreachable
            self._schedule.done(delivery, is_unreachable=is_unreachable)
            self._post(DeliveryAttempted(delivery, result, time.monotonic() - begun_clock_s))


def _attempt(delivery: Delivery, attempt: DeliveryAttempt) -> Delivered | DeliveryError:
    try:
        for name in delivery.destination.libraries:
            import_late(name)
        delivered = delivery.destination.deliver(delivery.file, attempt)
    except DeliveryError as error:
        return attempt.cancelled or error
    except Exception as bug:  # of a foreign library, or ours: other reports and destinations continue
        if attempt.cancelled is not None:
            return attempt.cancelled
        log.exception("The delivery of %s to %s ended unexpectedly.", delivery.file.item.name, delivery.name)
        return DeliveryError(f"The delivery ended unexpectedly ({type(bug).__name__}); the log file has the details.")
    return delivered
