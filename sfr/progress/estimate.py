"""How much there is still to come, and how long that takes: from bytes and earlier durations, not from report counts.

Arithmetic only; no clock, no database. Nothing depends on its being right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sfr.model import Baseline

#: A pace says something once it is that of so much of all bytes: the first reports to end are the small ones.
_SAMPLE = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of the run; None where nothing is known yet."""

    #: Received by the end of the run, what was received so far included.
    expected_total_bytes: int | None
    #: From now to the end.
    eta_s: float | None


@dataclass(frozen=True, slots=True)
class Underway:
    """A report between its request and its end: its place in the list, and how far it is."""

    index: int
    received_bytes: int
    #: Since its request left.
    running_for_s: float
    #: Since all of it arrived; None as long as it has not.
    received_for_s: float | None = None


@dataclass(slots=True)
class _Quantity:
    """Bytes or seconds of the reports not ended yet: what is known of them, and the mean that stands for the rest."""

    #: By the report's place: what the last good run took; None where unknown.
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
        """What all reports not ended yet take in full; None where there is nothing to go by."""
        mean = self.mean
        return None if self.unknown and mean is None else self.pending_sum + self.unknown * (mean or 0.0)


class Estimator:
    """Keeps the sums, so that an estimate costs no more for 20,000 reports than for 20. Used by one thread."""

    def __init__(self, baselines: Sequence[Baseline | None], threads: int, workers: int) -> None:
        self._bytes = _Quantity([None if known is None else known.received_bytes for known in baselines])
        self._seconds = _Quantity([None if known is None else known.duration_s for known in baselines])
        self._threads, self._workers = max(1, threads), max(1, workers)
        self._has_ended = [False] * len(baselines)
        self._left = len(baselines)
        #: What workers have written in this run, as received, and how long one worker would have taken.
        self._written_bytes, self._worked_s = 0, 0.0

    def ended(
        self, index: int, received_bytes: int | None, duration_s: float | None, worked_s: float | None = None
    ) -> None:
        """A report has ended, with what it took, and of this a worker (None where it failed before that was known)."""
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
        """The estimate now. received_bytes: all of this run; elapsed_s: since the first request left.

        Downloading and writing go on side by side, so that the longer of them counts.
        """
        now = [each for each in underway if not self._has_ended[each.index]]
        to_come = _left(self._bytes, now, lambda each: each.received_bytes)
        if to_come is None:
            return Estimate(None, self._by_durations_s(now))
        is_known = received_bytes and received_bytes >= _SAMPLE * (received_bytes + to_come)
        by_bytes_s = to_come * elapsed_s / received_bytes if is_known else None
        floors = (by_bytes_s, self._by_writing_s(now, to_come), self._by_durations_s(now))
        return Estimate(
            received_bytes + round(to_come), max((floor for floor in floors if floor is not None), default=None)
        )

    def _by_writing_s(self, now: Sequence[Underway], to_come: float) -> float | None:
        """All that is not written yet, at the pace of this run's workers so far."""
        all_bytes = to_come + sum(each.received_bytes for each in now)
        if not self._worked_s or not self._left or self._written_bytes < _SAMPLE * (self._written_bytes + all_bytes):
            return None
        bytes_per_s = self._written_bytes / self._worked_s
        received = sorted((each.received_for_s, each.received_bytes) for each in now if each.received_for_s is not None)
        at_work = received[-self._workers :]
        written = sum(min(size_bytes, for_s * bytes_per_s) for for_s, size_bytes in at_work)
        return (all_bytes - written) / (bytes_per_s * min(self._workers, self._left))

    def _by_durations_s(self, now: Sequence[Underway]) -> float | None:
        """All downloads shared evenly by the threads, or the longest report under way; both are the least it takes."""
        work_s = _left(self._seconds, now, lambda each: each.running_for_s)
        if work_s is None:
            return None
        longest_s = max((self._seconds.of(each.index) - each.running_for_s for each in now), default=0.0)
        return max(work_s / self._threads, longest_s)


def _left(quantity: _Quantity, now: Iterable[Underway], so_far: Callable[[Underway], float]) -> float | None:
    """What is still to come over the network: pending less what has come of it, no report counting below zero.

    Nothing is to come of a report that has arrived, however much less it was than last time.
    """
    pending = quantity.pending
    if pending is None:
        return None
    come = (min(so_far(each) if each.received_for_s is None else float("inf"), quantity.of(each.index)) for each in now)
    return max(0.0, pending - sum(come))
