"""The workers of a Dask cluster, as a fleet sees them: which are there, checked, lost or silent, and what each has."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sfr.errors import SchedulerError
from sfr.fleet.dask_check import MachineChecks
from sfr.fleet.dask_cluster import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Cluster
from sfr.fleet.dask_task import Seen, hear
from sfr.fleet.engine import OrgTask

if TYPE_CHECKING:
    from distributed import Future

log = logging.getLogger(__name__)

#: How often workers are reminded that their fleet is alive.
HEAR_EVERY_S = 15.0
#: A worker that has not answered for so long is lost; longer than the lease of an org's output directory.
SILENT_LIMIT_S = 120.0
WORKER_LOST = "The Dask worker on which it ran was lost."


@dataclass(slots=True, eq=False)
class Given:
    """A task that a worker has."""

    task: OrgTask
    future: Future
    follow: asyncio.Task[None] | None = None
    #: Why it was given up.
    loss: str = ""


@dataclass(slots=True, eq=False)
class DaskWorker:
    """A worker that the scheduler knows."""

    address: str
    threads: int
    seen: Seen | None = None
    #: Checked, and found right.
    is_usable: bool = False
    heard_clock_s: float = field(default_factory=time.monotonic)
    asked_clock_s: float = 0.0
    given: dict[OrgTask, Given] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """How many more orgs it may get."""
        return self.threads - len(self.given) if self.is_usable else 0

    def forget(self) -> None:
        """Another worker may have its address by now: that is asked at the next look."""
        self.is_usable, self.seen, self.asked_clock_s = False, None, 0.0


class Background:
    """Work that an event loop does beside."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start it; returns its task."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel all of it."""
        for task in list(self._tasks):
            task.cancel()


class DaskWorkers:
    """See the module. Of one event loop.

    lose: gives up what a worker has, for this reason. wake: there may be something to give.
    """

    def __init__(
        self,
        run_id: str,
        checks: MachineChecks,
        checked: Iterable[Seen],
        background: Background,
        lose: Callable[[DaskWorker, str], None],
        wake: Callable[[], None],
    ) -> None:
        self._run_id = run_id
        self._checks = checks
        self._checked_ids = {seen.worker_id for seen in checked}
        self._background = background
        self._lose = lose
        self._wake = wake
        self._workers: dict[str, DaskWorker] = {}
        self._usable_clock_s = self._answered_clock_s = time.monotonic()
        #: Whether the scheduler has answered last time.
        self.are_known = False

    @property
    def all(self) -> Collection[DaskWorker]:
        """Those that the scheduler knows."""
        return self._workers.values()

    @property
    def given(self) -> int:
        """How many tasks all of them have."""
        return sum(len(worker.given) for worker in self.all)

    @property
    def are_usable(self) -> bool:
        """False once none has been usable for too long."""
        return time.monotonic() - self._usable_clock_s <= CONNECT_LIMIT_S

    async def look(self, cluster: Cluster) -> None:
        """Learn of new workers, and of those that are gone. Raises SchedulerError once the scheduler is lost."""
        now = time.monotonic()
        try:
            there = await cluster.workers()
            self.are_known, self._answered_clock_s = True, time.monotonic()
            now = self._answered_clock_s
        except OSError as error:
            self.are_known = False
            if now - self._answered_clock_s > CONNECT_LIMIT_S - ANSWER_LIMIT_S:
                raise SchedulerError(f"The Dask scheduler was lost ({error}).") from error
            return
        for address in self._workers.keys() - there.keys():
            self._lose(self._workers.pop(address), WORKER_LOST)
        for address, threads in there.items():
            worker = self._workers.setdefault(address, DaskWorker(address, threads))
            if now - worker.asked_clock_s > HEAR_EVERY_S:
                worker.asked_clock_s = now
                self._background.start(self._hear(cluster, worker))
            if worker.given and now - worker.heard_clock_s > SILENT_LIMIT_S:
                worker.forget()
                self._lose(worker, f"The Dask worker on which it ran has not answered for {SILENT_LIMIT_S:.0f} s.")
        if any(worker.is_usable for worker in self.all):
            self._usable_clock_s = now

    async def _hear(self, cluster: Cluster, worker: DaskWorker) -> None:
        """Say that the fleet is alive; check a worker that is new."""
        try:
            seen: Seen = await cluster.call(worker.address, hear, self._run_id)
        except OSError:
            return
        worker.heard_clock_s = time.monotonic()
        if worker.seen is not None and worker.seen.worker_id == seen.worker_id:
            return
        if worker.seen is not None:
            worker.forget()
            self._lose(worker, WORKER_LOST)
        worker.seen = seen
        worker.is_usable = seen.worker_id in self._checked_ids or await self._is_right(cluster, worker)
        self._wake()

    async def _is_right(self, cluster: Cluster, worker: DaskWorker) -> bool:
        """Check a worker that has come later."""
        try:
            checked = await self._checks.check(cluster, worker.address)
        except OSError:
            worker.seen = None
            return False
        problems = self._checks.problems([checked])
        for problem in problems:
            log.warning("A Dask worker is not used. %s", problem)
        return not problems
