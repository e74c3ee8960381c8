"""The tasks of a fleet that wait: the longest first; orgs that are tried again after they failed, last."""

from __future__ import annotations

import threading
from bisect import insort

from sfr.fleet.engine import OrgTask
from sfr.fleet.plan import rank


class TaskQueue:
    """See the module. Thread-safe."""

    def __init__(self) -> None:
        self._tasks: list[OrgTask] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: OrgTask) -> None:
        """Add a task in its place, behind those of the same rank."""
        with self._lock:
            insort(self._tasks, task, key=lambda each: (each.is_last, *rank(each.planned)))

    def take(self) -> OrgTask | None:
        """Remove the first task and return it; None if there is none."""
        with self._lock:
            return self._tasks.pop(0) if self._tasks else None

    def clear(self) -> int:
        """Remove all tasks; returns how many there were."""
        with self._lock:
            count = len(self._tasks)
            self._tasks.clear()
        return count
