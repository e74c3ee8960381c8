"""The time limits of one request and its response, as arithmetic on clock readings. Never waits itself.

What ends an exchange:

* `timeout_s`: the whole attempt; the only limit before the first byte (Salesforce runs a report before it responds);
* `idle_timeout_s`: longest silence after the first byte;
* `min_bytes_per_s`: lowest average speed over a window of 60 s, after the first byte, silence included;
* the caller's abort, which is not a time limit and not handled here.

Speed is measured over the time spent *waiting for the network*: time that SFR spends elsewhere (on a slow disk) does
not count against the server.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sfr.errors import ErrorKind, ReportError

#: The window over which `min_bytes_per_s` is measured, seconds.
SPEED_WINDOW_S = 60.0

#: Number of buckets per window: arrivals within a bucket are summed, so that memory use does not grow with speed.
_WINDOW_PARTS = 60


@dataclass(frozen=True, slots=True)
class Deadline:
    """The clock reading by which an exchange has to end, and the limit behind it."""

    #: `time.monotonic()` reading.
    end_clock_s: float
    #: For messages: the option and its value, such as "`fetch.timeout_s` (900 s)".
    limit: str

    @classmethod
    def after(cls, seconds: float, limit: str, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """A deadline `seconds` from now; `limit` names the option and its value for messages."""
        return cls(clock() + seconds, limit)

    def remaining_s(self, now_clock_s: float) -> float:
        """Seconds left; negative once it has passed."""
        return self.end_clock_s - now_clock_s

    def or_earlier(self, other: Deadline | None) -> Deadline:
        """The earlier of the two."""
        return self if other is None or self.end_clock_s <= other.end_clock_s else other


class ThroughputMonitor:
    """Measures throughput over a window, and how long the next byte may take before it falls below the minimum."""

    def __init__(self, min_bytes_per_s: float, window_s: float = SPEED_WINDOW_S) -> None:
        self._needed_bytes = min_bytes_per_s * window_s
        self._window_s = window_s
        self._waited_s = 0.0
        #: [time waited until the latest arrival, bytes] per bucket, oldest first.
        self._arrivals: deque[list[float]] = deque()

    def note(self, waited_s: float, size_bytes: int) -> None:
        """Record that `size_bytes` arrived after a wait of `waited_s`."""
        self._waited_s += waited_s
        last = self._arrivals[-1] if self._arrivals else None
        if last and self._part(last[0]) == self._part(self._waited_s):
            last[0] = self._waited_s
            last[1] += size_bytes
        else:
            self._arrivals.append([self._waited_s, size_bytes])
        while self._arrivals[0][0] < self._waited_s - self._window_s:
            self._arrivals.popleft()

    def max_wait_s(self) -> float:
        """Longest wait for the next byte; infinite without a minimum speed, 0 once the minimum is missed."""
        if self._needed_bytes <= 0:
            return math.inf
        seen_bytes = 0.0
        for waited_s, size_bytes in reversed(self._arrivals):
            seen_bytes += size_bytes
            if seen_bytes >= self._needed_bytes:
                return max(0.0, waited_s + self._window_s - self._waited_s)
        return max(0.0, self._window_s - self._waited_s)

    def _part(self, waited_s: float) -> int:
        return int(waited_s * _WINDOW_PARTS / self._window_s)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of every exchange of a run, apart from its deadline."""

    idle_timeout_s: float = 300.0
    min_bytes_per_s: float = 100.0
    speed_window_s: float = SPEED_WINDOW_S


class Pace:
    """Tracks one exchange against its limits. Used only by the thread that reads the response."""

    def __init__(self, limits: Limits, deadline: Deadline, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._deadline = deadline
        self._speed = ThroughputMonitor(limits.min_bytes_per_s, limits.speed_window_s)
        self.clock = clock
        #: Clock reading at the first byte of the response; None before it.
        self.first_byte_clock_s: float | None = None
        self.received_bytes = 0

    def wait_until(self, started_clock_s: float) -> tuple[float, Callable[[], ReportError]]:
        """The clock reading by which a wait begun at `started_clock_s` has to end, and the error if it does not."""
        ends = [(self._deadline.end_clock_s, self.timed_out)]
        if self.first_byte_clock_s is not None:
            ends.append((started_clock_s + self._limits.idle_timeout_s, self._stalled))
            ends.append((started_clock_s + self._speed.max_wait_s(), self._below_min_speed))
        return min(ends, key=lambda end: end[0])

    def note(self, started_clock_s: float, size_bytes: int) -> None:
        """Record that `size_bytes` arrived after a wait that began at `started_clock_s`."""
        now_clock_s = self.clock()
        if self.first_byte_clock_s is None:
            self.first_byte_clock_s = started_clock_s = now_clock_s
        self.received_bytes += size_bytes
        self._speed.note(now_clock_s - started_clock_s, size_bytes)

    def remaining_s(self) -> float:
        """Seconds left for the whole exchange."""
        return self._deadline.remaining_s(self.clock())

    def timed_out(self) -> ReportError:
        """The error of an exchange that missed its deadline."""
        if self.first_byte_clock_s is None:
            return ReportError(ErrorKind.TIMEOUT, f"No first byte of a response within {self._deadline.limit}.")
        return self._timeout(f"was not complete within {self._deadline.limit}")

    def _stalled(self) -> ReportError:
        return self._timeout(f"stalled: no byte for {self._limits.idle_timeout_s:g} s (`fetch.idle_timeout_s`)")

    def _below_min_speed(self) -> ReportError:
        limits = self._limits
        return self._timeout(
            f"arrived at less than {limits.min_bytes_per_s:g} bytes/s over {limits.speed_window_s:g} s "
            "(`fetch.min_bytes_per_s`)"
        )

    def _timeout(self, what: str) -> ReportError:
        return ReportError(ErrorKind.TIMEOUT, f"The response {what}; {self.received_bytes:,} bytes had been received.")
