"""Gives orgs to the workers of a Dask cluster: one per worker thread, each task for one worker; in one event loop.

Dask would run a lost worker's tasks again elsewhere, at once and unseen. Here a task is for one worker only, and the
fleet decides what follows when that is lost.
"""

from __future__ import annotations

import asyncio
import logging
import os
import queue
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sfr.errors import SchedulerError, SfrError
from sfr.fleet.dask_check import MachineChecks
from sfr.fleet.dask_cluster import ANSWER_LIMIT_S, CONNECT_LIMIT_S, Cluster, connected
from sfr.fleet.dask_task import OrgOrder, Seen, hear, run_org, stop
from sfr.fleet.engine import OrgEnded, OrgTask
from sfr.fleet.org_process import KILL_AFTER_S
from sfr.fleet.settings import Dask
from sfr.fleet.values import OrgResult

if TYPE_CHECKING:
    from distributed import Future

log = logging.getLogger(__name__)

LOOK_S = 1.0
#: How often workers are reminded that their fleet is alive.
HEAR_EVERY_S = 15.0
#: A worker that has not answered for so long is lost; longer than the lease of an org's output directory.
SILENT_LIMIT_S = 120.0
#: What a worker may take to hear of a stop.
STOP_LIMIT_S = 20.0
_LONGEST_S = 10**9


@dataclass(slots=True, eq=False)
class _Worker:
    address: str
    threads: int
    seen: Seen | None = None
    #: Checked, and found right.
    is_usable: bool = False
    heard_clock_s: float = field(default_factory=time.monotonic)
    asked_clock_s: float = 0.0
    given: dict[OrgTask, _Given] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return self.threads - len(self.given) if self.is_usable else 0


@dataclass(slots=True, eq=False)
class _Given:
    """A task that a worker has."""

    task: OrgTask
    future: Future
    follow: asyncio.Task[None] | None = None
    #: Why it was given up.
    loss: str = ""


class Dispatch:
    """See the module. All but `waiting` and `ended` belongs to the event loop."""

    def __init__(self, dask: Dask, run_id: str, checks: MachineChecks, checked: list[Seen]) -> None:
        self._dask = dask
        self._run_id = run_id
        self._checks = checks
        self._checked_ids = {seen.worker_id for seen in checked}
        self._directory = os.getcwd()
        self._cluster: Cluster | None = None
        self._workers: dict[str, _Worker] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()
        self._is_closing = False
        self._failure = ""
        self._is_answering = False
        self._usable_clock_s = self._answered_clock_s = time.monotonic()
        self.waiting: deque[OrgTask] = deque()
        self.is_stopping = False
        #: None: it was not started.
        self.ended: queue.SimpleQueue[OrgEnded | None] = queue.SimpleQueue()

    async def run(self) -> None:
        """Until `close`. Whatever fails ends the tasks, not the fleet."""
        try:
            async with connected(self._dask) as self._cluster:
                await self._work()
        except SfrError as error:
            self._fail(str(error))
        for task in self._background:
            task.cancel()
        while not self._is_closing:
            self._report_lost()
            await self._sleep()

    async def _work(self) -> None:
        try:
            while not self._is_closing:
                await self._look()
                self._give()
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
        """There is something to give."""
        self._wake.set()

    def close(self) -> None:
        """End what runs, and the loop."""
        self._is_closing = True
        self._wake.set()

    def stop(self, signal_number: int) -> None:
        """Send the signal to what runs; what was not started is dropped."""
        for worker in self._workers.values():
            if worker.given:
                self._start(self._stop(worker, signal_number))

    # Workers

    async def _look(self) -> None:
        """Learn of new workers, and of those that are gone. Raises SchedulerError once the scheduler is lost."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        now = time.monotonic()
        try:
            there = await self._cluster.workers()
            self._is_answering, self._answered_clock_s = True, time.monotonic()
            now = self._answered_clock_s
        except OSError as error:
            self._is_answering = False
            if now - self._answered_clock_s > CONNECT_LIMIT_S - ANSWER_LIMIT_S:
                raise SchedulerError(f"The Dask scheduler at {self._dask.scheduler} was lost ({error}).") from error
            return
        for address in self._workers.keys() - there.keys():
            self._lose(self._workers.pop(address), "The Dask worker on which it ran was lost.")
        for address, threads in there.items():
            worker = self._workers.setdefault(address, _Worker(address, threads))
            if now - worker.asked_clock_s > HEAR_EVERY_S:
                worker.asked_clock_s = now
                self._start(self._hear(worker))
            if worker.given and now - worker.heard_clock_s > SILENT_LIMIT_S:
                worker.is_usable, worker.seen = False, None
                self._lose(worker, f"The Dask worker on which it ran has not answered for {SILENT_LIMIT_S:.0f} s.")
        self._look_at_limits(now)

    def _look_at_limits(self, now: float) -> None:
        if any(worker.is_usable for worker in self._workers.values()):
            self._usable_clock_s = now
        elif now - self._usable_clock_s > CONNECT_LIMIT_S and (self.waiting or self._given()):
            raise SchedulerError(f"No Dask worker was left for {CONNECT_LIMIT_S:.0f} s.")

    async def _hear(self, worker: _Worker) -> None:
        """Say that the fleet is alive; check a worker that is new."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        try:
            seen: Seen = await self._cluster.call(worker.address, hear, self._run_id)
        except OSError:
            return
        worker.heard_clock_s = time.monotonic()
        if worker.seen is not None and worker.seen.worker_id == seen.worker_id:
            return
        if worker.seen is not None:
            worker.is_usable = False
            self._lose(worker, "The Dask worker on which it ran was restarted.")
        worker.seen = seen
        worker.is_usable = seen.worker_id in self._checked_ids or await self._is_right(worker)
        self._wake.set()

    async def _is_right(self, worker: _Worker) -> bool:
        """Check a worker that has come later."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        try:
            checked = await self._checks.check(self._cluster, worker.address)
        except OSError:
            worker.seen = None
            return False
        problems = self._checks.problems([checked])
        for problem in problems:
            log.warning("A Dask worker is not used. %s", problem)
        return not problems

    # Tasks

    def _given(self) -> list[_Given]:
        return [given for worker in self._workers.values() for given in worker.given.values()]

    def _give(self) -> None:
        """Give what waits to workers with free threads, to the least busy first."""
        while self.waiting and self._is_answering and not self.is_stopping:
            worker = max(self._workers.values(), key=lambda each: each.free, default=None)
            if worker is None or worker.free < 1:
                return
            with suppress(IndexError):  # the main thread has just cleared it
                self._give_to(worker, self.waiting.popleft())

    def _give_to(self, worker: _Worker, task: OrgTask) -> None:
        assert self._cluster is not None and worker.seen is not None  # noqa: S101, PT018 - see `run`, `free`
        planned = task.planned
        order = OrgOrder(
            self._run_id, planned.org, worker.seen.worker_id, self._directory, planned.stop_grace_s, task.is_resume
        )
        key = f"sfr-{self._run_id}-{planned.org.name}-{task.attempt}"
        expected_s = _LONGEST_S if planned.expected_s is None else planned.expected_s
        future = self._cluster.submit(worker.address, key, run_org, order, priority=int(min(expected_s, _LONGEST_S)))
        given = worker.given[task] = _Given(task, future)
        given.follow = self._start(self._follow(worker, given))

    async def _follow(self, worker: _Worker, given: _Given) -> None:
        """Wait for the end of a task, and report it."""
        result: OrgResult | None
        machine = worker.seen.machine if worker.seen is not None else ""
        try:
            result = await given.future
        except asyncio.CancelledError:
            result = _lost(given.task, given.loss or "The fleet has ended.", machine)
        except Exception as error:  # noqa: BLE001 - KilledWorker, cancelled by Dask, or what the worker raised
            # Before anything else is given: is the scheduler still there?
            self._is_answering = False
            loss = given.loss or f"The Dask task was lost ({type(error).__name__})."
            result = _lost(given.task, loss, machine)
        if worker.given.pop(given.task, None) is not None:
            result = None if result is None else replace(result, attempts=given.task.attempt)
            self.ended.put(None if result is None else OrgEnded(given.task, result))
            self._wake.set()

    def _lose(self, worker: _Worker, loss: str) -> None:
        """Give up what a worker has."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        for given in list(worker.given.values()):
            given.loss = loss
            self._start(self._cluster.cancel(given.future))
            if given.follow is not None:
                given.follow.cancel()

    async def _stop(self, worker: _Worker, signal_number: int) -> None:
        """Send the signal to what a worker runs; wait for the end, with a bound."""
        assert self._cluster is not None  # noqa: S101 - see `run`
        limit_clock_s, tasks = time.monotonic() + STOP_LIMIT_S, list(worker.given)
        while not await self._call_stop(worker, signal_number, is_kill=False):
            if time.monotonic() > limit_clock_s:
                self._lose(worker, "The Dask worker on which it ran did not hear of the stop.")
                return
            await asyncio.sleep(LOOK_S)
        grace_s = max([task.planned.stop_grace_s for task in tasks], default=0.0)
        await asyncio.sleep(grace_s + KILL_AFTER_S + ANSWER_LIMIT_S)
        self._lose(worker, "It did not end after the stop.")

    async def _call_stop(self, worker: _Worker, signal_number: int, *, is_kill: bool) -> bool:
        assert self._cluster is not None  # noqa: S101 - see `run`
        try:
            await self._cluster.call(worker.address, stop, self._run_id, signal_number, is_kill=is_kill)
        except OSError:
            return False
        return True

    async def _end_all(self) -> None:
        """Kill what still runs: that is nothing, unless the fleet itself fails or is stopped a third time."""
        busy = [worker for worker in self._workers.values() if worker.given]
        await asyncio.gather(*(self._call_stop(worker, 0, is_kill=True) for worker in busy))
        for worker in busy:
            self._lose(worker, "The fleet has ended.")

    def _fail(self, message: str) -> None:
        """Nothing can be given any more, and nothing that was is heard of again."""
        self._failure = message
        self._report_lost()

    def _report_lost(self) -> None:
        for worker in self._workers.values():
            while worker.given:
                task, _ = worker.given.popitem()
                self.ended.put(OrgEnded(task, _lost(task, self._failure), is_final=True))
        while self.waiting:
            with suppress(IndexError):  # the main thread has just cleared it
                task = self.waiting.popleft()
                result = replace(_lost(task, self._failure), attempts=task.attempt - 1)
                self.ended.put(OrgEnded(task, result, is_final=True))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def _lost(task: OrgTask, message: str, machine: str = "") -> OrgResult:
    return OrgResult(task.planned.org.name, None, attempts=task.attempt, machine=machine, message=message)
