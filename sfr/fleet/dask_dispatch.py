"""Assigns orgs to the workers of a Dask cluster, one per worker thread, each task for one worker; in one event loop.

Dask would run a lost worker's tasks again elsewhere, at once and unseen. Here a task is for one worker only, and the
fleet decides what follows when that is lost.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from dataclasses import replace

from sfr.errors import SchedulerError, SfrError
from sfr.fleet.dask_check import MachineChecks
from sfr.fleet.dask_cluster import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Cluster, connected
from sfr.fleet.dask_task import OrgRequest, WorkerIdentity, WrongWorker, run_org, stop
from sfr.fleet.dask_workers import WORKER_LOST, Assignment, Background, DaskWorker, DaskWorkers
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.org_process import KILL_AFTER_S
from sfr.fleet.settings import Dask
from sfr.fleet.task_queue import TaskQueue
from sfr.fleet.values import OrgResult
from sfr.inbox import Inbox

LOOK_S = 1.0
#: Timeout for passing a stop signal to a worker.
STOP_LIMIT_S = 20.0
_LONGEST_S = 10**9


class Dispatch:
    """See the module. All but `waiting` and `ended` belongs to the event loop."""

    def __init__(self, dask: Dask, run_id: str, checks: MachineChecks, checked: list[WorkerIdentity]) -> None:
        self._dask = dask
        self._run_id = run_id
        self._directory = os.getcwd()
        self._cluster: Cluster | None = None
        self._background = Background()
        self._workers = DaskWorkers(run_id, checks, checked, self._background, self._lose, self.wake)
        self._wake = asyncio.Event()
        self._is_closing = False
        self._failure = ""
        self.waiting = TaskQueue()
        self.is_stopping = False
        #: None: it was not started.
        self.ended: Inbox[OrgEnded | None] = Inbox()

    async def run(self) -> None:
        """Assign tasks until `close`. A failure ends the tasks, not the fleet."""
        try:
            async with connected(self._dask) as self._cluster:
                await self._work()
        except SfrError as error:
            self._fail(str(error))
        self._background.cancel()
        while not self._is_closing:
            self._report_lost()
            await self._sleep()

    async def _work(self) -> None:
        assert self._cluster is not None  # noqa: S101 - see `run`
        try:
            while not self._is_closing:
                await self._workers.refresh(self._cluster)
                if not self._workers.are_usable and (self.waiting or self._workers.assigned):
                    raise SchedulerError(f"No Dask worker was left for {CONNECT_LIMIT_S:.0f} s.")
                self._assign()
                await self._sleep()
            await self._end_all()
        except SfrError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - an error of Dask's own must not leave the fleet waiting
            self._fail(f"The connection to the Dask cluster has failed ({type(error).__name__}: {error}).")

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), LOOK_S)
        self._wake.clear()

    def wake(self) -> None:
        """Assign the waiting tasks."""
        self._wake.set()

    def close(self) -> None:
        """End the running tasks, and the loop."""
        self._is_closing = True
        self._wake.set()

    def stop(self, signal_number: int) -> None:
        """Send the signal to the running tasks; those not started are dropped."""
        for worker in self._workers.all:
            if worker.assigned:
                self._background.start(self._stop(worker, signal_number))

    def _assign(self) -> None:
        """Assign waiting tasks to workers with free threads, the least busy first."""
        while self._workers.are_known and not (self.is_stopping or self._is_closing):
            worker = max(self._workers.all, key=lambda each: each.free, default=None)
            if worker is None or worker.free < 1 or (task := self.waiting.take()) is None:
                return
            self._assign_to(worker, task)

    def _assign_to(self, worker: DaskWorker, task: OrgTask) -> None:
        assert self._cluster is not None and worker.identity is not None  # noqa: S101, PT018 - see `run`, `free`
        planned = task.planned
        request = OrgRequest(
            self._run_id, planned.org, worker.identity.worker_id, self._directory, planned.stop_grace_s, task.is_resume
        )
        key = f"sfr-{self._run_id}-{planned.org.name}-{task.attempt}"
        expected_s = _LONGEST_S if planned.expected_s is None else planned.expected_s
        future = self._cluster.submit(worker.address, key, run_org, request, priority=int(min(expected_s, _LONGEST_S)))
        assignment = worker.assigned[task] = Assignment(task, future)
        assignment.follow = self._background.start(self._follow(worker, assignment))

    async def _follow(self, worker: DaskWorker, assignment: Assignment) -> None:
        """Wait for the end of a task, and report it."""
        result: OrgResult | WrongWorker | None
        machine = worker.machine
        try:
            result = await assignment.future
        except asyncio.CancelledError:
            result = _lost(assignment.task, assignment.loss or "The fleet has ended.", machine)
        except Exception as error:  # noqa: BLE001 - KilledWorker, cancelled by Dask, or what the worker raised
            # Before anything else is assigned: is the scheduler still there?
            self._workers.are_known = False
            loss = assignment.loss or f"The Dask task was lost ({type(error).__name__})."
            result = _lost(assignment.task, loss, machine)
        if isinstance(result, WrongWorker):  # another worker has this address by now
            worker.forget()
            result = _lost(assignment.task, WORKER_LOST, machine)
        if worker.assigned.pop(assignment.task, None) is not None:
            result = None if result is None else replace(result, attempts=assignment.task.attempt)
            self.ended.post(None if result is None else OrgEnded(assignment.task, result))
            self._assign()

    def _lose(self, worker: DaskWorker, loss: str) -> None:
        """Cancel all tasks of a worker that is lost."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        for assignment in list(worker.assigned.values()):
            assignment.loss = loss
            self._background.start(self._cluster.cancel(assignment.future))
            if assignment.follow is not None:
                assignment.follow.cancel()

    async def _stop(self, worker: DaskWorker, signal_number: int) -> None:
        """Send the signal to the tasks of a worker; wait for their end, with a bound."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        limit_clock_s, tasks = time.monotonic() + STOP_LIMIT_S, list(worker.assigned)
        while not await self._call_stop(worker, signal_number, is_kill=False):
            if time.monotonic() > limit_clock_s:
                self._lose(worker, "The Dask worker on which it ran could not be reached with the stop signal.")
                return
            await asyncio.sleep(LOOK_S)
        grace_s = max([task.planned.stop_grace_s for task in tasks], default=0.0)
        await asyncio.sleep(grace_s + KILL_AFTER_S + ANSWER_LIMIT_S)
        self._lose(worker, "It did not end after the stop.")

    async def _call_stop(self, worker: DaskWorker, signal_number: int, *, is_kill: bool) -> bool:
        assert self._cluster is not None  # noqa: S101 - see `run`
        try:
            await self._cluster.call(worker.address, stop, self._run_id, signal_number, is_kill=is_kill)
        except OSError:
            return False
        return True

    async def _end_all(self) -> None:
        """Kill the tasks that still run: none, unless the fleet itself fails or is stopped a third time."""
        busy = [worker for worker in self._workers.all if worker.assigned]
        await asyncio.gather(*(self._call_stop(worker, 0, is_kill=True) for worker in busy))
        for worker in busy:
            self._lose(worker, "The fleet has ended.")

    def _fail(self, message: str) -> None:
        """Report everything as lost: the connection to the cluster is gone."""
        self._failure = message
        self._report_lost()

    def _report_lost(self) -> None:
        for worker in self._workers.all:
            while worker.assigned:
                task, _ = worker.assigned.popitem()
                self.ended.post(OrgEnded(task, _lost(task, self._failure, worker.machine), is_final=True))
        while (waiting := self.waiting.take()) is not None:
            result = replace(_lost(waiting, self._failure), attempts=waiting.attempt - 1)
            self.ended.post(OrgEnded(waiting, result, is_final=True))


def _lost(task: OrgTask, message: str, machine: str = "") -> OrgResult:
    return OrgResult(task.planned.org.name, None, attempts=task.attempt, machine=machine, message=message)
