"""Whether this process itself stood still for a while: stopped, waiting for a slow disk, or on a machine that slept."""

from __future__ import annotations

import time

#: Between two looks passes less than this.
LONGEST_PAUSE_S = 2.0


class Standstill:
    """Ask it several times a second."""

    def __init__(self) -> None:
        self._looked_clock_s = time.monotonic()

    def length_s(self, now_s: float) -> float:
        """How long it lasted since the last look, in seconds; 0 if there was none."""
        pause_s, self._looked_clock_s = now_s - self._looked_clock_s, now_s
        return pause_s if pause_s > LONGEST_PAUSE_S else 0.0
