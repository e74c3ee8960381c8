"""One generation of workers: a shared queue and the processes that read it, started together and given up together.

A worker that dies or is stopped while it holds the queue's lock makes the queue useless for the others
(reliability.md A2), so a queue never outlives an unexpected death: the pool starts the next generation.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING

from sfr.payload_queue import PayloadQueue
from sfr.spawning import undisturbed_start
from sfr.worker import work
from sfr.worker_messages import WorkerMessage

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from sfr.processing import OutputRules


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
        self._post = post
        self._queue = PayloadQueue()

    @property
    def queue(self) -> PayloadQueue:
        """Where its payloads go."""
        return self._queue

    def start(self, count: int, rules: OutputRules, temporary_prefix: str) -> OSError | None:
        """Start as many workers as the system allows; returns what stopped it short of `count`."""
        for slot in range(count):
            try:
                self._start_worker(slot, rules, temporary_prefix)
            except OSError as error:
                return error
        return None

    def _start_worker(self, slot: int, rules: OutputRules, temporary_prefix: str) -> None:
        context = multiprocessing.get_context("spawn")
        receiving, sending = context.Pipe(duplex=False)
        process = context.Process(
            target=work,
            args=(self._queue, sending, rules, temporary_prefix),
            name=f"sfr-worker-{self.number}.{slot}",
            daemon=True,
        )
        try:
            with undisturbed_start():
                process.start()
        except BaseException:
            receiving.close()
            raise
        finally:
            # Only the worker may hold this end, or its death would not end the pipe.
            sending.close()
        worker = Worker(slot, self.number, process)
        self.workers.append(worker)
        threading.Thread(
            target=self._listen, args=(worker, receiving), name=f"{process.name}-listener", daemon=True
        ).start()

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
        """Forget a worker that is gone; returns its exit code, negative for a signal."""
        worker.process.join(timeout=5)
        exit_code = worker.process.exitcode
        if exit_code is not None:
            worker.process.close()
        self.workers.remove(worker)
        return exit_code

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
        for worker in self.workers:
            worker.is_dismissed = True
            worker.process.kill()

    def abandon(self) -> None:
        """Give the queue up, once all workers are gone."""
        self._queue.abandon()
