"""One generation of workers: a shared queue and the processes that read it, started together and given up together.

A worker that dies or is stopped while it holds the queue's lock makes the queue useless for the others
(docs/decisions.md), so a queue never outlives an unexpected death: the pool starts the next generation.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING

from sfr.workers.messages import WorkerMessage
from sfr.workers.payload_queue import PayloadQueue
from sfr.workers.spawned_process import SpawnedProcess
from sfr.workers.spawning import disown, start_thread
from sfr.workers.worker import work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from sfr.workers.processing import OutputRules

#: A process whose pipe has ended, or that was killed, is gone within this.
GONE_WITHIN_S = 5.0


@dataclass(slots=True, eq=False)
class Worker:
    """What the pool knows of one worker process."""

    slot: int
    generation: int
    process: BaseProcess
    is_ready: bool = False
    #: Number of the payload it works on.
    taken: int | None = None
    #: When it last said anything.
    heard_clock_s: float = field(default_factory=time.monotonic)
    #: True once the pool itself ended it for no fault of its own.
    is_dismissed: bool = False
    killed_clock_s: float | None = None

    def kill(self) -> None:
        """Kill it; its `WorkerGone` tells when it is gone."""
        self.process.kill()
        if self.killed_clock_s is None:
            self.killed_clock_s = time.monotonic()


@dataclass(frozen=True, slots=True)
class WorkerSaid:
    """An inbox entry: a message of a worker."""

    worker: Worker
    message: WorkerMessage


@dataclass(frozen=True, slots=True)
class WorkerGone:
    """An inbox entry: a worker's pipe has ended, so the worker has, and everything it said was read before."""

    worker: Worker


class Generation:
    """A queue with its workers. Not thread-safe: the main thread's, but for one listening thread per worker."""

    def __init__(self, number: int, post: Callable[[WorkerSaid | WorkerGone], None]) -> None:
        self.number = number
        self.workers: list[Worker] = []
        self.started_clock_s = time.monotonic()
        #: Until a worker gets ready, or is killed from outside before it could.
        self.is_start_failed = True
        self.has_started_any = False
        #: True once all its workers were told to go, because one of them died or they do not get on.
        self.is_dismissed = False
        self._post = post
        self._queue: PayloadQueue | None = None

    @property
    def queue(self) -> PayloadQueue:
        """Where its payloads go, once `start` has brought a worker."""
        if self._queue is None:
            raise RuntimeError("the generation has not been started")
        return self._queue

    def start(self, count: int, rules: OutputRules, temporary_prefix: str) -> OSError | None:
        """Start as many workers as the system allows; returns what stopped it short of `count`."""
        try:
            self._queue = PayloadQueue()
            self._queue.start_feeder()
            for slot in range(count):
                self._start_worker(slot, rules, temporary_prefix)
                self.has_started_any = True
        except OSError as error:
            return error
        return None

    def _start_worker(self, slot: int, rules: OutputRules, temporary_prefix: str) -> None:
        receiving, sending = connection.Pipe(duplex=False)
        process = SpawnedProcess(
            target=work,
            args=(self.queue, sending, rules, temporary_prefix),
            name=f"sfr-worker-{self.number}.{slot}",
            daemon=True,
        )
        try:
            process.start()
        except BaseException:
            receiving.close()
            raise
        finally:
            # Only the worker may hold this end, or its death would not end the pipe.
            sending.close()
        worker = Worker(slot, self.number, process)
        listener = threading.Thread(
            target=self._listen, args=(worker, receiving), name=f"{process.name}-listener", daemon=True
        )
        try:
            start_thread(listener)
        except OSError:
            receiving.close()
            process.kill()
            process.join()
            raise
        self.workers.append(worker)

    def _listen(self, worker: Worker, pipe: Connection) -> None:
        """Post what a worker says. A worker stopped in the middle of a message blocks only its own listener."""
        with pipe:
            while True:
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    break
                self._post(WorkerSaid(worker, message))
        self._post(WorkerGone(worker))

    def remove(self, worker: Worker) -> int | None:
        """Forget a worker that is gone; returns its exit code, negative for a signal; None: it is there still."""
        worker.process.join(timeout=GONE_WITHIN_S)
        exit_code = worker.process.exitcode
        if exit_code is not None:
            worker.process.close()
        else:
            disown(worker.process)
        self.workers.remove(worker)
        return exit_code

    def forgive(self, standstill_s: float) -> None:
        """Do not hold against the workers a time in which nobody could listen to them."""
        self.started_clock_s += standstill_s
        for worker in self.workers:
            worker.heard_clock_s += standstill_s

    def beyond_reach(self, killed_before_clock_s: float) -> list[Worker]:
        """Workers that were killed before that moment and are there still."""
        return [
            worker
            for worker in self.workers
            if worker.killed_clock_s is not None and worker.killed_clock_s < killed_before_clock_s
        ]

    def wait_for_ends(self, timeout_s: float) -> None:
        """Wait until all workers have ended, or one was killed: it may have held the lock that the others wait for."""
        deadline = time.monotonic() + timeout_s
        left = {worker.process.sentinel: worker.process for worker in self.workers}
        while left and (ended := connection.wait(list(left), max(0.0, deadline - time.monotonic()))):
            for sentinel in ended:
                process = left.pop(sentinel)  # type: ignore[arg-type]  # a sentinel, as it was put in
                process.join()
                if process.exitcode != 0:
                    return

    def dismiss(self) -> None:
        """Kill every worker that is left; each still posts its `WorkerGone`."""
        self.is_dismissed = True
        for worker in self.workers:
            worker.is_dismissed = True
            worker.kill()

    @property
    def is_idle(self) -> bool:
        """Whether none of its workers is known to be at work."""
        return all(worker.taken is None for worker in self.workers)

    def abandon(self) -> None:
        """Give the queue up, once all workers are gone."""
        if self._queue is not None:
            self._queue.abandon()


def ending(exit_code: int | None) -> str:
    """How a process ended, in words."""
    if exit_code is None:
        return "cause unknown"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
