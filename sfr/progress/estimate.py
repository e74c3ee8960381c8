"""Estimates the remaining bytes and time of a run, from bytes and earlier durations rather than the number of reports.

Pure arithmetic. For display only: no decision depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sfr.model import Baseline

#: Share of all bytes from which a rate is representative: the first reports to end are the small ones.
_MIN_SAMPLE = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimate for the run; None where nothing is known yet."""

    #: Total by the end of the run, including what was received so far.
    expected_total_bytes: int | None
    #: From now to the end.
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class Underway:
    """A report in flight: its index, and its progress."""

    index: int
    received_bytes: int
    #: Since its request was sent.
    running_for_s: float
    #: Since it was received completely; None until then.
    received_for_s: float | None = None


@dataclass(slots=True)
class _Quantity:
    """Bytes or seconds of the open reports: the known amounts, and their mean in place of the unknown ones."""

    #: By the report's index: the amount in the last good run; None if unknown.
    expected: list[float | None]
    pending_sum: float = 0.0
    unknown: int = 0
    known_sum: float = 0.0
    known_count: int = 0

    def __post_init__(self) -> None:
        known = [amount for amount in self.expected if amount is not None]
        self.pending_sum = self.known_sum = sum(known)
        self.known_count = len(known)
        self.unknown = len(self.expected) - len(known)

    def end(self, index: int, actual: float | None) -> None:
        amount = self.expected[index]
        if amount is not None:
            self.pending_sum -= amount
        else:
            self.unknown -= 1
            if actual is not None:
                self.known_sum += actual
                self.known_count += 1

    @property
    def mean(self) -> float | None:
        return self.known_sum / self.known_count if self.known_count else None

    def of(self, index: int) -> float:
        amount = self.expected[index]
        return (self.mean or 0.0) if amount is None else amount

    @property
    def pending(self) -> float | None:
        """The total of all open reports; None if no amount is known."""
        mean = self.mean
        return None if self.unknown and mean is None else self.pending_sum + self.unknown * (mean or 0.0)


class Estimator:
    """Maintains the sums, so that an estimate takes as long for 20,000 reports as for 20. Used by one thread."""

    def __init__(self, baselines: Sequence[Baseline | None], threads: int, workers: int) -> None:
        self._bytes = _Quantity([None if known is None else known.received_bytes for known in baselines])
        self._seconds = _Quantity([None if known is None else known.duration_s for known in baselines])
        self._threads, self._workers = max(1, threads), max(1, workers)
        self._has_ended = [False] * len(baselines)
        self._left = len(baselines)
        #: Bytes (as received) that workers have processed in this run, and their processing time in total.
        self._written_bytes, self._worked_s = 0, 0.0

    def ended(
        self, index: int, received_bytes: int | None, duration_s: float | None, worked_s: float | None = None
    ) -> None:
        """A report has ended; amounts are None if it failed before they were known. worked_s: its time in a worker."""
        if self._has_ended[index]:
            return
        self._has_ended[index] = True
        self._left -= 1
        self._bytes.end(index, received_bytes)
        self._seconds.end(index, duration_s)
        if received_bytes is not None and worked_s is not None:
            self._written_bytes += received_bytes
            self._worked_s += worked_s

    def estimate(self, underway: Iterable[Underway], received_bytes: int, elapsed_s: float) -> Estimate:
        """The current estimate. received_bytes: of the whole run; elapsed_s: since the first request was sent.

        Downloading and processing overlap, so the slower of the two determines the remaining time.
        """
        now = [each for each in underway if not self._has_ended[each.index]]
        remaining_bytes = _remaining(self._bytes, now, lambda each: each.received_bytes)
        if remaining_bytes is None:
            return Estimate(None, self._by_durations_s(now))
        is_known = received_bytes and received_bytes >= _MIN_SAMPLE * (received_bytes + remaining_bytes)
        by_bytes_s = remaining_bytes * elapsed_s / received_bytes if is_known else None
        floors = (by_bytes_s, self._by_writing_s(now, remaining_bytes), self._by_durations_s(now))
        return Estimate(
            received_bytes + round(remaining_bytes), max((floor for floor in floors if floor is not None), default=None)
        )

    def _by_writing_s(self, now: Sequence[Underway], remaining_bytes: float) -> float | None:
        """Time to process the rest, at the rate of this run's workers so far."""
        all_bytes = remaining_bytes + sum(each.received_bytes for each in now)
        if (
            not self._worked_s
            or not self._left
            or self._written_bytes < _MIN_SAMPLE * (self._written_bytes + all_bytes)
        ):
            return None
        bytes_per_s = self._written_bytes / self._worked_s
        received = sorted((each.received_for_s, each.received_bytes) for each in now if each.received_for_s is not None)
        at_work = received[-self._workers :]
        written = sum(min(size_bytes, for_s * bytes_per_s) for for_s, size_bytes in at_work)
        return (all_bytes - written) / (bytes_per_s * min(self._workers, self._left))

    def _by_durations_s(self, now: Sequence[Underway]) -> float | None:
        """A lower bound: the remaining work divided evenly among the threads, or the longest report in flight."""
        work_s = _remaining(self._seconds, now, lambda each: each.running_for_s)
        if work_s is None:
            return None
        longest_s = max((self._seconds.of(each.index) - each.running_for_s for each in now), default=0.0)
        return max(work_s / self._threads, longest_s)


def _remaining(quantity: _Quantity, now: Iterable[Underway], so_far: Callable[[Underway], float]) -> float | None:
    """The remaining amount: the pending total less the progress of each report, none of which counts below zero.

    Nothing remains of a report that was received completely, even if it is smaller than last time.
    """
    pending = quantity.pending
    if pending is None:
        return None
    done = (min(so_far(each) if each.received_for_s is None else float("inf"), quantity.of(each.index)) for each in now)
    return max(0.0, pending - sum(done))
