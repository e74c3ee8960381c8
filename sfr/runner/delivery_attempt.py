"""One attempt at a delivery: its time limits, and how it is ended from another thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from sfr.errors import DeliveryError


class DeliveryAttempt:
    """What a destination gets as `Attempt`. Thread-safe: the main thread watches it and may cancel it."""

    def __init__(
        self,
        temporary_prefix: str,
        timeout_s: float,
        idle_timeout_s: float,
        clock: Callable[[], float] = time.monotonic,
        may_publish: Callable[[], bool] = lambda: True,
    ) -> None:
        self.temporary_prefix = temporary_prefix
        self._timeout_s, self._idle_timeout_s, self._clock = timeout_s, idle_timeout_s, clock
        self._may_publish = may_publish
        self._begun_clock_s = self._progress_clock_s = clock()
        self._may_be_idle = False
        self._interrupt: Callable[[], None] | None = None
        self._lock = threading.Lock()
        #: Set once it has to end: the reason, which counts more than whatever the interrupted call raises.
        self.cancelled: DeliveryError | None = None
        self.cancelled_clock_s: float | None = None

    # For the destination

    @property
    def remaining_s(self) -> float:
        """Seconds left."""
        return max(0.001, self._begun_clock_s + self._timeout_s - self._clock())

    def check(self) -> None:
        """Note progress; raise if the attempt has to end."""
        self.watch()
        if self.cancelled is not None:
            raise self.cancelled
        self._progress_clock_s = self._clock()

    def confirm(self) -> None:
        """Raise if the attempt has to end, or the run must not publish any more."""
        self.check()
        if not self._may_publish():
            raise DeliveryError("Another run has taken the output directory over; nothing was published.")

    def interrupt_with(self, interrupt: Callable[[], None] | None, *, may_be_idle: bool = False) -> None:
        """See `Attempt`."""
        with self._lock:
            self._interrupt, self._may_be_idle = interrupt, may_be_idle
            self._progress_clock_s = self._clock()
        if self.cancelled is not None and interrupt is not None:
            raise self.cancelled

    # For the main thread

    def watch(self) -> None:
        """Cancel it if it has taken too long."""
        now = self._clock()
        if now - self._begun_clock_s > self._timeout_s:
            self.cancel(_timed_out(f"did not end within {self._timeout_s:g} s (`deliveries.timeout_s`)"))
        elif not self._may_be_idle and now - self._progress_clock_s > self._idle_timeout_s:
            self.cancel(_timed_out(f"made no progress for {self._idle_timeout_s:g} s (`deliveries.idle_timeout_s`)"))

    def cancel(self, reason: DeliveryError) -> None:
        """End it: its next `check` raises the reason, and a blocking call is interrupted."""
        with self._lock:
            if self.cancelled is not None:
                return
            self.cancelled, self.cancelled_clock_s = reason, self._clock()
            if self._interrupt is not None:
                try:
                    self._interrupt()
                except Exception:  # noqa: BLE001, S110 - a foreign library's; the attempt is abandoned if it does not end
                    pass

    def is_stuck(self, grace_s: float) -> bool:
        """Whether it was cancelled this long ago."""
        return self.cancelled_clock_s is not None and self._clock() - self.cancelled_clock_s > grace_s


def _timed_out(what: str) -> DeliveryError:
    return DeliveryError(f"The destination {what}.", is_transient=True, is_unreachable=True)
