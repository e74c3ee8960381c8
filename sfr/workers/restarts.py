"""Whether, and when, the next generation of workers may start after one has ended. Pure; the caller reads the clock."""

from __future__ import annotations

#: The pool gives up after this many generations in a row that exited before they were ready.
MAX_FAILED_STARTS = 3
#: The pool gives up after this many generations in a row that took no payload.
MAX_IDLE_GENERATIONS = 50
#: Pause before the next start where no process could be started at all: resources may have been freed by then.
RESTART_PAUSE_S = 1.0


class Restarts:
    """Counts the generations that failed."""

    def __init__(self) -> None:
        #: True once no worker can be kept running.
        self.has_given_up = False
        self._failed_starts = 0
        self._idle_generations = 0
        self._pause_end_clock_s = 0.0

    def is_due(self, now_s: float) -> bool:
        """Whether a pause before the next start is over."""
        return now_s >= self._pause_end_clock_s

    def record_ready(self) -> None:
        """A worker has become ready."""
        self._failed_starts = 0

    def record_taken(self) -> None:
        """A worker has taken a payload."""
        self._idle_generations = 0

    def record_end(self, now_s: float, *, start_failed: bool, started_any: bool) -> None:
        """A generation has ended. started_any: whether a process of it was started at all."""
        self._failed_starts += start_failed
        self._idle_generations += 1
        self.has_given_up = self._failed_starts >= MAX_FAILED_STARTS or self._idle_generations >= MAX_IDLE_GENERATIONS
        if not started_any:
            self._pause_end_clock_s = now_s + RESTART_PAUSE_S
