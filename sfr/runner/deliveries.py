"""Delivers report files that are in place to their destinations, beside running fetches. Main thread only.

    begin(stats) ─► schedule ─► delivery threads ─► DeliveryAttempted ─► handle ─► results of the report
                       ▲                                                    │
                       └──────────────── retry (network, time-out, lock) ◄──┘

Decides what is due, what is retried and when a destination is given up; the threads do the work.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import TracebackType

from sfr.destinations import Delivered, Destination, Item, ProvedFile
from sfr.errors import DeliveryError
from sfr.history.deliveries import DeliveredContent
from sfr.history.history import History
from sfr.model import Report
from sfr.results import DeliveryStats, DeliveryStatus, ReportStats
from sfr.runner.circuit_breaker import CircuitBreaker
from sfr.runner.delivery_schedule import Delivery, DeliverySchedule
from sfr.runner.delivery_threads import DeliveryAttempted, DeliveryThreads
from sfr.runner.retry import Backoff

log = logging.getLogger(__name__)

#: Results of a report's deliveries, in the order of its list row.
Results = tuple[DeliveryStats, ...]
Ended = list[tuple[int, Results]]


class DeliveryMode(StrEnum):
    """What a run delivers."""

    MISSING = "missing"
    #: `--deliver-again`
    AGAIN = "again"
    #: `--no-deliver`
    NONE = "none"


@dataclass(slots=True)
class _Pending:
    """A report of which at least one delivery has not ended."""

    #: By the destination's name, in order.
    targets: dict[str, str]
    #: By the destination's name; without those that have not ended.
    results: dict[str, DeliveryStats] = field(default_factory=dict)
    #: Seconds of earlier attempts, by the destination's name.
    spent_s: dict[str, float] = field(default_factory=dict)


class Deliveries:
    """The deliveries of one run. A context manager: leaving it cancels what is in flight.

    destinations: by name, with the digest of their settings.
    is_again: deliver what was delivered before, too.
    """

    def __init__(
        self,
        destinations: Mapping[str, tuple[Destination, bytes]],
        history: History,
        schedule: DeliverySchedule,
        threads: DeliveryThreads,
        attempts: int,
        backoff: Backoff,
        *,
        is_again: bool = False,
    ) -> None:
        self._destinations, self._history = destinations, history
        self._schedule, self._threads = schedule, threads
        self._attempts, self._backoff, self._is_again = attempts, backoff, is_again
        self._breaker = CircuitBreaker()
        self._pending: dict[int, _Pending] = {}
        self._closing: DeliveryError | None = None
        self._lanes = {
            name: os.path.realpath(one.exclusive_file) if one.exclusive_file else ""
            for name, (one, _) in destinations.items()
        }

    def __enter__(self) -> Deliveries:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._schedule.withdraw()
        self._threads.cancel(DeliveryError("The run ended before this delivery."))
        self._threads.close()

    def directories(self, reports: Iterable[Report]) -> set[str]:
        """Local directories in which deliveries may leave temporary files if the run is killed."""
        found = set()
        for report in reports if self._destinations else ():
            for name in report.deliver:
                destination = self._destinations[name][0]
                path = "" if destination.exclusive_file else destination.local_file(Item.of(report))
                found |= {report.directory, os.path.dirname(path) or report.directory}
        return found

    @property
    def in_flight(self) -> int:
        """Reports with deliveries that have not ended."""
        return len(self._pending)

    def begin(self, stats: ReportStats) -> Results | None:
        """Start the deliveries of a report whose file is in place.

        Returns the results if there is nothing to wait for: no destination, or all of them have the content already.
        """
        if not self._destinations or not stats.report.deliver:
            return ()
        report = stats.report
        file = ProvedFile(Item.of(report), report.path, stats.size_bytes or 0, stats.sha256 or "", stats.rows)
        due = [
            Delivery(
                report.position, name, self._destinations[name][0], file, self._content(name, file), self._lanes[name]
            )
            for name in report.deliver
        ]
        self._pending[report.position] = _Pending({each.name: each.content.target for each in due})
        for delivery in due:
            self._begin_one(delivery)
        return self._taken_if_ended(report.position)

    def handle(self, event: DeliveryAttempted) -> Ended:
        """Handle the end of an attempt; returns the reports that it completes."""
        delivery, result = event.delivery, event.result
        pending = self._pending.get(delivery.position)
        if pending is None or delivery.name in pending.results:
            self._schedule.resume(delivery.name)
            return []  # given up before
        pending.spent_s[delivery.name] = pending.spent_s.get(delivery.name, 0.0) + event.duration_s
        if isinstance(result, Delivered):
            self._history.end_delivery(delivery.content, delivery.file.sha256)
            self._breaker.note_success(delivery.name)
            self._end(delivery, DeliveryStatus.DELIVERED, result.message)
        elif not self._retry(delivery, result):
            self._breaker.note_failure(delivery.name, result)
            self._fail(delivery, result)
            self._give_up_refused()
            self._schedule.resume(delivery.name)
        return self._taken([delivery.position, *self._pending])

    def check(self) -> Ended:
        """Watch time limits, and start threads for what waits; call it several times a second."""
        for delivery in self._threads.watch():
            stuck = DeliveryError("The delivery hangs and could not be ended.", is_unreachable=True)
            self._breaker.note_failure(delivery.name, stuck)
            self._fail(delivery, stuck)
            self._give_up_refused()
        refused = self._threads.start_for_waiting() if self._pending else None
        if refused is not None:
            self._fail_waiting(DeliveryError(f"The operating system refused to start a thread ({refused.strerror})."))
        return self._taken(list(self._pending))

    def close(self, reason: DeliveryError) -> Ended:
        """Begin no more deliveries: waiting ones fail with this reason, those in flight continue."""
        if self._closing is None:
            self._closing = reason
            self._fail_waiting(reason)
        return self._taken(list(self._pending))

    def cut(self, reason: DeliveryError) -> Ended:
        """End everything at once."""
        self.close(reason)
        self._threads.cancel(reason)
        for pending in self._pending.values():
            for name, target in pending.targets.items():
                spent_s = pending.spent_s.get(name, 0.0)
                cut = DeliveryStats(name, DeliveryStatus.FAILED, target, spent_s, reason.message)
                pending.results.setdefault(name, cut)
        return self._taken(list(self._pending))

    # One delivery

    def _content(self, name: str, file: ProvedFile) -> DeliveredContent:
        destination, digest = self._destinations[name]
        return DeliveredContent(
            digest, destination.target(file.item), file.item.sfr_date if destination.is_append else ""
        )

    def _begin_one(self, delivery: Delivery) -> None:
        is_known = self._history.is_delivered(delivery.content, delivery.file.sha256)
        if is_known and not self._is_again:
            self._end(delivery, DeliveryStatus.UNCHANGED, "")
            return
        reason = self._closing or self._breaker.refusal(delivery.name)
        if reason is not None:
            if is_known:  # asked for again: without a record `--resume` delivers it, as the report's message says
                self._history.begin_delivery(delivery.content)
            self._fail(delivery, reason)
            return
        self._history.begin_delivery(delivery.content)
        self._schedule.put(delivery)
        refused = self._threads.start_for_waiting()
        if refused is not None:
            self._fail_waiting(DeliveryError(f"The operating system refused to start a thread ({refused.strerror})."))

    def _retry(self, delivery: Delivery, error: DeliveryError) -> bool:
        """Whether the delivery is tried again; then it is scheduled."""
        log.info("%s to %s, attempt %d: %s", delivery.file.item.name, delivery.name, delivery.attempt, error.message)
        is_given_up = self._closing is not None or self._breaker.refusal(delivery.name) is not None
        if not error.is_transient or is_given_up or delivery.attempt >= self._attempts:
            return False
        wait_s = self._backoff.wait_s(delivery.attempt)
        again = replace(delivery, attempt=delivery.attempt + 1)
        self._schedule.put_again(again, wait_s, is_unreachable=error.is_unreachable)
        return True

    def _fail(self, delivery: Delivery, error: DeliveryError) -> None:
        tried = f" Given up after {delivery.attempt} attempts." if error.is_transient and delivery.attempt > 1 else ""
        is_tried = error is not self._breaker.refusal(delivery.name)
        # The deliveries that were tried have been warned of; hundreds of others may follow.
        level = logging.WARNING if is_tried else logging.INFO
        self._end(delivery, DeliveryStatus.FAILED, f"{error.message}{tried}", level)

    def _end(self, delivery: Delivery, status: DeliveryStatus, message: str, level: int = logging.INFO) -> None:
        pending = self._pending.get(delivery.position)
        if pending is None or delivery.name in pending.results:
            return
        spent_s, name = pending.spent_s.get(delivery.name, 0.0), delivery.file.item.name
        pending.results[delivery.name] = DeliveryStats(delivery.name, status, delivery.content.target, spent_s, message)
        if status is DeliveryStatus.FAILED:
            log.log(level, "%s was not delivered to %s: %s", name, delivery.name, message)
        else:
            log.info("%s: %s, %s", name, status.value, delivery.content.target)

    def _give_up_refused(self) -> None:
        """Fail what waits for destinations that the circuit breaker has given up."""
        refused = [name for name in self._destinations if self._breaker.refusal(name) is not None]
        for delivery in self._schedule.withdraw(refused) if refused else ():
            self._fail(delivery, self._breaker.refusal(delivery.name) or DeliveryError(""))

    def _fail_waiting(self, reason: DeliveryError) -> None:
        for delivery in self._schedule.withdraw():
            self._fail(delivery, reason)

    # Whole reports

    def _taken(self, positions: Iterable[int]) -> Ended:
        """The results of those of these reports that have ended; they are no longer pending."""
        found = ((position, self._taken_if_ended(position)) for position in dict.fromkeys(positions))
        return [(position, results) for position, results in found if results is not None]

    def _taken_if_ended(self, position: int) -> Results | None:
        pending = self._pending.get(position)
        if pending is None or len(pending.results) < len(pending.targets):
            return None
        del self._pending[position]
        return tuple(pending.results[name] for name in pending.targets)
