"""A queue that one thread waits at, for what other threads and signal handlers post.

`queue.SimpleQueue.get` does not do: where a signal arrives as its timeout ends, Python 3.11 and 3.12 wait without a
limit, and a stop signal has no effect until something else is posted.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import Generic, TypeVar

T = TypeVar("T")


class Inbox(Generic[T]):
    """See the module. `post` may be called from a signal handler: nothing in it waits."""

    def __init__(self) -> None:
        self._items: queue.SimpleQueue[T] = queue.SimpleQueue()
        #: Released by `post`.
        self._posted = threading.Lock()
        self._posted.acquire()

    def post(self, item: T) -> None:
        """Add an item."""
        self._items.put(item)
        try:
            self._posted.release()
        except RuntimeError:
            pass  # an earlier item has released it

    def take(self, timeout_s: float) -> list[T]:
        """All items, oldest first; waits up to `timeout_s` for the first."""
        end_clock_s = time.monotonic() + timeout_s
        while not self._items.qsize() and (left_s := end_clock_s - time.monotonic()) > 0:
            self._posted.acquire(timeout=left_s)
        return [self._items.get_nowait() for _ in range(self._items.qsize())]

    def unread(self) -> int:
        """Items not yet taken."""
        return self._items.qsize()
