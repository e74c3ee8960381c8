"""The workers of a Dask cluster: which are present, checked, lost or silent, and the tasks of each."""

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
from sfr.fleet.dask_task import WorkerIdentity, heartbeat
from sfr.fleet.engine import OrgTask

if TYPE_CHECKING:
    from distributed import Future

log = logging.getLogger(__name__)

#: Interval of heartbeats to each worker.
HEARTBEAT_INTERVAL_S = 15.0
#: A worker without an answer to heartbeats for this long is lost; longer than the lease of an org's output directory.
WORKER_TIMEOUT_S = 120.0
WORKER_LOST = "The Dask worker on which it ran was lost."


@dataclass(slots=True, eq=False)
class Assignment:
    """A task of a worker."""

    task: OrgTask
    future: Future
    follow: asyncio.Task[None] | None = None
    #: Why it was cancelled.
    loss: str = ""


@dataclass(slots=True, eq=False)
class DaskWorker:
    """A worker that the scheduler knows."""

    address: str
    threads: int
    identity: WorkerIdentity | None = None
    #: Where it runs, once that is known.
    machine: str = ""
    #: Whether it has passed its check.
    is_usable: bool = False
    heartbeat_clock_s: float = field(default_factory=time.monotonic)
    heartbeat_sent_clock_s: float = 0.0
    assigned: dict[OrgTask, Assignment] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """Number of orgs that may be assigned to it."""
        return self.threads - len(self.assigned) if self.is_usable else 0

    def forget(self) -> None:
        """Forget its identity: another worker may have its address by now. The next heartbeat identifies it."""
        self.is_usable, self.identity, self.heartbeat_sent_clock_s = False, None, 0.0


class Background:
    """Background tasks of an event loop."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start it; returns its task."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def cancel(self) -> None:
        """Cancel all tasks."""
        for task in list(self._tasks):
            task.cancel()


class DaskWorkers:
    """See the module. Used within one event loop.

    lose: cancels all tasks of a worker, for this reason. wake: called when a worker has become usable.
    """

    def __init__(
        self,
        run_id: str,
        checks: MachineChecks,
        checked: Iterable[WorkerIdentity],
        background: Background,
        lose: Callable[[DaskWorker, str], None],
        wake: Callable[[], None],
    ) -> None:
        self._run_id = run_id
        self._checks = checks
        self._checked_ids = {identity.worker_id for identity in checked}
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
    def assigned(self) -> int:
        """Number of tasks of all workers."""
        return sum(len(worker.assigned) for worker in self.all)

    @property
    def are_usable(self) -> bool:
        """False once none has been usable for too long."""
        return time.monotonic() - self._usable_clock_s <= CONNECT_LIMIT_S

    async def refresh(self, cluster: Cluster) -> None:
        """Add new workers, remove those that are gone. Raises SchedulerError once the scheduler is lost."""
        now = time.monotonic()
        try:
            present = await cluster.workers()
            self.are_known, self._answered_clock_s = True, time.monotonic()
            now = self._answered_clock_s
        except OSError as error:
            self.are_known = False
            if now - self._answered_clock_s > CONNECT_LIMIT_S - ANSWER_LIMIT_S:
                raise SchedulerError(f"The Dask scheduler was lost ({error}).") from error
            return
        for address in self._workers.keys() - present.keys():
            self._lose(self._workers.pop(address), WORKER_LOST)
        for address, threads in present.items():
            worker = self._workers.setdefault(address, DaskWorker(address, threads))
            if now - worker.heartbeat_sent_clock_s > HEARTBEAT_INTERVAL_S:
                worker.heartbeat_sent_clock_s = now
                self._background.start(self._heartbeat(cluster, worker))
            if worker.assigned and now - worker.heartbeat_clock_s > WORKER_TIMEOUT_S:
                worker.forget()
                self._lose(worker, f"The Dask worker on which it ran has not answered for {WORKER_TIMEOUT_S:.0f} s.")
        if any(worker.is_usable for worker in self.all):
            self._usable_clock_s = now

    async def _heartbeat(self, cluster: Cluster, worker: DaskWorker) -> None:
        """Send a heartbeat; check a worker that is new."""
        try:
            identity: WorkerIdentity = await cluster.call(worker.address, heartbeat, self._run_id)
        except OSError:
            return
        worker.heartbeat_clock_s = time.monotonic()
        if worker.identity is not None and worker.identity.worker_id == identity.worker_id:
            return
        if worker.identity is not None:
            worker.forget()
            self._lose(worker, WORKER_LOST)
        worker.identity, worker.machine = identity, identity.machine
        worker.is_usable = identity.worker_id in self._checked_ids or await self._is_right(cluster, worker)
        self._wake()

    async def _is_right(self, cluster: Cluster, worker: DaskWorker) -> bool:
        """Check a worker that joined after the start."""
        try:
            checked = await self._checks.check(cluster, worker.address)
        except OSError:
            worker.identity = None
            return False
        problems = self._checks.problems([checked])
        for problem in problems:
            log.warning("A Dask worker is not used. %s", problem)
        return not problems
