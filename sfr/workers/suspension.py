"""Detects that this process itself was suspended: stopped, blocked by a slow disk, or on a machine that slept."""

from __future__ import annotations

import time

#: Calls come more often than this while the process runs.
MAX_INTERVAL_S = 2.0


class SuspensionDetector:
    """Measures gaps between calls; call `suspended_s` several times a second."""

    def __init__(self) -> None:
        self._last_call_clock_s = time.monotonic()

    def suspended_s(self, now_s: float) -> float:
        """How long the process was suspended since the last call, in seconds; 0 if it was not."""
        interval_s, self._last_call_clock_s = now_s - self._last_call_clock_s, now_s
        return interval_s if interval_s > MAX_INTERVAL_S else 0.0
