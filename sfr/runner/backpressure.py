"""Backpressure: keeps fetch threads from outrunning the main thread and the workers. Thread-safe.

- `PayloadSlots` bounds the backlog of payloads that no worker has taken yet (`workers.queue_size`).
- `InlineMemory` bounds the memory of bodies that travel inline.
- `Throttle` slows fetch threads down while the main thread or the workers are behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: Interval at which a thread that waits for a slot checks the stop flag.
SLOT_POLL_S = 0.2
#: Memory of all inline bodies in flight.
INLINE_TOTAL_BYTES = 8 * 1024 * 1024
#: Backpressure thresholds: unread events, and payloads without a worker.
EVENTS_THRESHOLD = 16
BACKLOG_THRESHOLD = 256
#: Maximum throttle per call.
THROTTLE_MAX_S = 5.0
THROTTLE_POLL_S = 0.002


class PayloadSlots:
    """A bounded backlog: one slot per payload that no worker has taken yet; limit 0: any number."""

    def __init__(self, limit: int) -> None:
        self._slots = threading.BoundedSemaphore(limit) if limit else None
        self._lock = threading.Lock()
        #: Payloads that hold a slot.
        self.waiting = 0

    def acquire(self, is_stopped: Callable[[], bool]) -> bool:
        """Wait for a slot; False if the run stopped meanwhile."""
        while self._slots is not None and not self._slots.acquire(timeout=SLOT_POLL_S):
            if is_stopped():
                return False
        with self._lock:
            self.waiting += 1
        return True

    def release(self) -> None:
        """Free a slot."""
        with self._lock:
            self.waiting -= 1
        if self._slots is not None:
            self._slots.release()


class InlineMemory:
    """Memory for bodies that travel inline, shared by all threads."""

    def __init__(self, total_bytes: int = INLINE_TOTAL_BYTES) -> None:
        self._lock = threading.Lock()
        self._free_bytes = total_bytes

    def reserve(self, size_bytes: int) -> bool:
        """Take `size_bytes`, if that much is free."""
        with self._lock:
            if size_bytes > self._free_bytes:
                return False
            self._free_bytes -= size_bytes
            return True

    def release(self, size_bytes: int) -> None:
        """Return what was reserved."""
        with self._lock:
            self._free_bytes += size_bytes


class Throttle:
    """Pauses a fetch thread between two reports.

    Fetch threads that never pause would starve the main thread of the interpreter lock (GIL); workers would then be
    idle while the bodies of small reports pile up in memory.
    """

    def __init__(self, unread_events: Callable[[], int], slots: PayloadSlots) -> None:
        self._unread_events, self._slots = unread_events, slots

    def wait(self, is_stopped: Callable[[], bool]) -> None:
        """Return once main thread and workers keep up, after `THROTTLE_MAX_S`, or when the run stops."""
        limit = time.monotonic() + THROTTLE_MAX_S
        while self._is_behind() and time.monotonic() < limit and not is_stopped():
            time.sleep(THROTTLE_POLL_S)

    def _is_behind(self) -> bool:
        return self._unread_events() > EVENTS_THRESHOLD or self._slots.waiting > BACKLOG_THRESHOLD
