"""The time limits of one request and its answer, as arithmetic on clock readings; waits for nothing itself.

What ends an exchange:

* `timeout_s`: the whole attempt, the only one before the first byte (Salesforce computes a report before it answers);
* `idle_timeout_s`: no byte for so long, after the first;
* `min_bytes_per_s`: slower than this over a window of 60 s, after the first byte, silence included;
* the caller's stop, which is no time limit and is not known here.

Speed is judged over the time spent *waiting for the network*: while SFR is busy elsewhere (a slow disk), no server is
slow.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sfr.errors import ErrorKind, ReportError

#: The window of `min_bytes_per_s`, seconds.
SPEED_WINDOW_S = 60.0

#: Arrivals within this part of the window count as one, so that a fast body takes no memory here.
_WINDOW_PARTS = 60


@dataclass(frozen=True, slots=True)
class Deadline:
    """The clock reading by which an exchange has to be over, and the limit that set it."""

    #: `time.monotonic()` reading.
    end_clock_s: float
    #: For messages: the option and its value, such as "`fetch.timeout_s` (900 s)".
    limit: str

    @classmethod
    def after(cls, seconds: float, limit: str, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """So many seconds from now; `limit` names the option and its value for messages."""
        return cls(clock() + seconds, limit)

    def remaining_s(self, now_clock_s: float) -> float:
        """Seconds left; negative once it has passed."""
        return self.end_clock_s - now_clock_s

    def or_earlier(self, other: Deadline | None) -> Deadline:
        """Whichever of the two ends first."""
        return self if other is None or self.end_clock_s <= other.end_clock_s else other


class SpeedWatch:
    """Says how long the next byte may take before the last window has seen too few."""

    def __init__(self, min_bytes_per_s: float, window_s: float = SPEED_WINDOW_S) -> None:
        self._needed_bytes = min_bytes_per_s * window_s
        self._window_s = window_s
        self._waited_s = 0.0
        #: [time waited when the latest of them came, bytes], oldest first.
        self._arrivals: deque[list[float]] = deque()

    def note(self, waited_s: float, size_bytes: int) -> None:
        """So many bytes came after waiting so long for them."""
        self._waited_s += waited_s
        last = self._arrivals[-1] if self._arrivals else None
        if last and self._part(last[0]) == self._part(self._waited_s):
            last[0] = self._waited_s
            last[1] += size_bytes
        else:
            self._arrivals.append([self._waited_s, size_bytes])
        while self._arrivals[0][0] < self._waited_s - self._window_s:
            self._arrivals.popleft()

    def patience_s(self) -> float:
        """Seconds that may be waited for the next byte; infinite where no speed is asked for, 0 once it is too slow."""
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
    """What holds for every exchange of a run beside its deadline."""

    idle_timeout_s: float = 300.0
    min_bytes_per_s: float = 100.0
    speed_window_s: float = SPEED_WINDOW_S


class Pace:
    """The progress of one exchange against its limits. Used by the one thread that reads the answer."""

    def __init__(self, limits: Limits, deadline: Deadline, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._deadline = deadline
        self._speed = SpeedWatch(limits.min_bytes_per_s, limits.speed_window_s)
        self.clock = clock
        #: Reading at the first byte of the answer; None before it.
        self.first_byte_clock_s: float | None = None
        self.received_bytes = 0

    def wait_until(self, started_clock_s: float) -> tuple[float, Callable[[], ReportError]]:
        """Until when a wait that began then may last, and the error to raise if it lasts longer."""
        ends = [(self._deadline.end_clock_s, self.too_long)]
        if self.first_byte_clock_s is not None:
            ends.append((started_clock_s + self._limits.idle_timeout_s, self._stalled))
            ends.append((started_clock_s + self._speed.patience_s(), self._too_slow))
        return min(ends, key=lambda end: end[0])

    def note(self, started_clock_s: float, size_bytes: int) -> None:
        """So many bytes came on a wait that began then."""
        now_clock_s = self.clock()
        if self.first_byte_clock_s is None:
            self.first_byte_clock_s = started_clock_s = now_clock_s
        self.received_bytes += size_bytes
        self._speed.note(now_clock_s - started_clock_s, size_bytes)

    def remaining_s(self) -> float:
        """Seconds left of the whole exchange."""
        return self._deadline.remaining_s(self.clock())

    def too_long(self) -> ReportError:
        """The error of an exchange that met its deadline."""
        if self.first_byte_clock_s is None:
            return ReportError(ErrorKind.TIMEOUT, f"No first byte of an answer within {self._deadline.limit}.")
        return self._timeout(f"was not complete within {self._deadline.limit}")

    def _stalled(self) -> ReportError:
        return self._timeout(f"stalled: no byte for {self._limits.idle_timeout_s:g} s (`fetch.idle_timeout_s`)")

    def _too_slow(self) -> ReportError:
        limits = self._limits
        return self._timeout(
            f"came slower than {limits.min_bytes_per_s:g} bytes/s over {limits.speed_window_s:g} s "
            "(`fetch.min_bytes_per_s`)"
        )

    def _timeout(self, what: str) -> ReportError:
        return ReportError(ErrorKind.TIMEOUT, f"The answer {what}; {self.received_bytes:,} bytes had come.")
