"""One generation of workers: a shared queue and the processes that read it, started and replaced together.

A worker that dies or is stopped while it holds the queue's lock makes the queue unusable for the others
(docs/decisions.md), so a queue never outlives an unexpected death: the pool starts the next generation.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import connection
from typing import TYPE_CHECKING

from sfr.threads import start_thread
from sfr.workers.messages import Key, WorkerMessage
from sfr.workers.payload_queue import PayloadQueue
from sfr.workers.spawning import SpawnedProcess, disown, start_resource_tracker
from sfr.workers.worker import work

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from sfr.processing.report_file import OutputRules

#: A process whose pipe was closed, or that was killed, has exited within this.
EXIT_TIMEOUT_S = 5.0


@dataclass(slots=True, eq=False)
class Worker:
    """The state of one worker process, as the pool sees it."""

    slot: int
    generation: int
    process: BaseProcess
    is_ready: bool = False
    #: Key of the payload it is processing.
    current_key: Key | None = None
    #: When its last message arrived.
    last_message_clock_s: float = field(default_factory=time.monotonic)
    #: True once the pool stopped it as part of its generation.
    is_retired: bool = False
    killed_clock_s: float | None = None

    def kill(self) -> None:
        """Kill it; `WorkerExited` follows once it has exited."""
        self.process.kill()
        if self.killed_clock_s is None:
            self.killed_clock_s = time.monotonic()


@dataclass(frozen=True, slots=True)
class WorkerReported:
    """An inbox entry: a worker sent a message."""

    worker: Worker
    message: WorkerMessage


@dataclass(frozen=True, slots=True)
class WorkerExited:
    """An inbox entry: a worker closed its pipe, so it has exited, and all its messages were read before."""

    worker: Worker


class Generation:
    """A queue and its workers. Main thread only, apart from one listener thread per worker."""

    def __init__(self, number: int, post: Callable[[WorkerReported | WorkerExited], None]) -> None:
        self.number = number
        self.workers: list[Worker] = []
        self.started_clock_s = time.monotonic()
        #: True until a worker is ready, or is killed by something else before it could be.
        self.is_start_failed = True
        self.has_started_any = False
        #: True once all its workers were killed, because one of them died or they make no progress.
        self.is_retired = False
        self._post = post
        self._queue: PayloadQueue | None = None

    @property
    def queue(self) -> PayloadQueue:
        """The shared queue, once `start` has started a worker."""
        if self._queue is None:
            raise RuntimeError("the generation has not been started")
        return self._queue

    def start(self, count: int, rules: OutputRules, temporary_prefix: str) -> OSError | None:
        """Start up to `count` workers; returns the error if the system allows fewer."""
        try:
            start_resource_tracker()
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
            # Only the worker may hold this end, or its exit would not close the pipe.
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
        """Post a worker's messages. A worker stopped in the middle of a message blocks only its own listener."""
        with pipe:
            while True:
                try:
                    message = pipe.recv()
                except (EOFError, OSError):
                    break
                self._post(WorkerReported(worker, message))
        self._post(WorkerExited(worker))

    def remove(self, worker: Worker) -> int | None:
        """Remove a worker that has exited; returns its exit code, negative for a signal; None: it still exists."""
        worker.process.join(timeout=EXIT_TIMEOUT_S)
        exit_code = worker.process.exitcode
        if exit_code is not None:
            worker.process.close()
        else:
            disown(worker.process)
        self.workers.remove(worker)
        return exit_code

    def extend_deadlines(self, suspended_s: float) -> None:
        """Do not count time in which this process was suspended and read no messages."""
        self.started_clock_s += suspended_s
        for worker in self.workers:
            worker.last_message_clock_s += suspended_s

    def unkillable(self, killed_before_clock_s: float) -> list[Worker]:
        """Workers that were killed before that moment and still have not exited."""
        return [
            worker
            for worker in self.workers
            if worker.killed_clock_s is not None and worker.killed_clock_s < killed_before_clock_s
        ]

    def wait_for_ends(self, timeout_s: float) -> None:
        """Wait until all workers have exited, or one was killed: it may have held the lock the others wait for."""
        deadline = time.monotonic() + timeout_s
        running = {worker.process.sentinel: worker.process for worker in self.workers}
        while running and (exited := connection.wait(list(running), max(0.0, deadline - time.monotonic()))):
            for sentinel in exited:
                process = running.pop(sentinel)  # type: ignore[arg-type]  # a sentinel, as it was put in
                process.join()
                if process.exitcode != 0:
                    return

    def retire(self) -> None:
        """Kill all remaining workers; each still posts its `WorkerExited`."""
        self.is_retired = True
        for worker in self.workers:
            worker.is_retired = True
            worker.kill()

    @property
    def is_idle(self) -> bool:
        """Whether none of its workers is known to be processing a payload."""
        return all(worker.current_key is None for worker in self.workers)

    def abandon(self) -> None:
        """Abandon the queue, once all workers have exited."""
        if self._queue is not None:
            self._queue.abandon()


def describe_exit(exit_code: int | None) -> str:
    """How a process ended, for a message."""
    if exit_code is None:
        return "cause unknown"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
