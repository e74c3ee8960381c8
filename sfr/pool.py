"""The worker pool: every payload put in comes out exactly once, whatever happens to the workers.

The pool answers for a payload until a worker has said how it ended. When a worker dies unasked, sticks or starves
the others, the generation is dismissed and the next one gets everything unanswered again. A payload whose own worker
died or stuck twice is given up (`Finished.stats` is None). Nothing here waits: the main thread hands in what its inbox
holds (`hear`) and the time (`check`), and takes out what is finished.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from sfr.generation import Generation, Worker, WorkerGone, WorkerSaid
from sfr.worker_messages import Done, Logged, Progressed, Proved, Ready, Taken

if TYPE_CHECKING:
    from sfr.model import Payload, ReportStats
    from sfr.processing import OutputRules, Proof

log = logging.getLogger(__name__)

#: A payload whose own worker ended so often is taken to be the cause.
STRIKES = 2
#: A generation without one ready worker after this has failed to start.
READY_TIMEOUT_S = 60.0
#: Payloads wait, nobody is busy and none was taken for so long: a stopped worker holds the queue's lock.
STARVED_AFTER_S = 5.0
#: So many generations in a row that ended by themselves before they were ready, and the pool gives up.
LARGEST_FAILED_STARTS = 3
#: So many generations in a row that took nothing, and the pool gives up.
LARGEST_IDLE_GENERATIONS = 50
#: Workers that have nothing left to do end well within this.
CLOSE_TIMEOUT_S = 10.0
#: Payloads in the queue beyond one per worker; the rest waits here, where it costs nothing when a queue is given up.
LOOKAHEAD = 2


@dataclass(frozen=True, slots=True)
class Finished:
    """A payload the pool no longer answers for; stats None: its worker died or stuck twice, or no worker can be had."""

    payload: Payload
    stats: ReportStats | None


@dataclass(slots=True)
class _Unanswered:
    payload: Payload
    proof: Proof | None = None
    strikes: int = 0
    taken_clock_s: float | None = None


class WorkerPool:
    """The worker processes and the payloads they answer for. Main thread only."""

    def __init__(
        self,
        count: int,
        rules: OutputRules,
        temporary_prefix: str,
        payload_timeout_s: float,
        post: Callable[[WorkerSaid | WorkerGone], None],
        on_taken: Callable[[], None] = lambda: None,
    ) -> None:
        self.deaths = 0
        #: True once no worker can be had; every payload then finishes at once without stats.
        self.is_given_up = False
        self._count = count
        self._rules = rules
        self._prefix = temporary_prefix
        self._payload_timeout_s = payload_timeout_s
        self._post = post
        self._on_taken = on_taken
        self._unanswered: dict[int, _Unanswered] = {}
        self._backlog: deque[int] = deque()
        self._queued: set[int] = set()
        self._generation: Generation | None = None
        self._generations = 0
        self._failed_starts = 0
        self._idle_generations = 0
        self._moved_clock_s = time.monotonic()
        self._is_closing = False

    # What the run does with it

    def __enter__(self) -> WorkerPool:
        """Start the first generation; it gets ready while the main process logs in."""
        self._start_generation()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Let the workers drain the queue and end; kill those that do not, or all of them after an error."""
        if error is None:
            self._close()
        self.kill()

    def put(self, payload: Payload) -> None:
        """Answer for this payload until it comes out of `hear`, `check` or `take_back`."""
        self._unanswered[payload.number] = _Unanswered(payload)
        self._backlog.append(payload.number)
        self._feed()

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet."""
        return len(self._backlog) + len(self._queued)

    @property
    def unanswered(self) -> int:
        """Payloads the pool answers for."""
        return len(self._unanswered)

    def hear(self, event: WorkerSaid | WorkerGone) -> Iterable[Finished]:
        """Take in what a worker's listener posted; yields what it finished."""
        if isinstance(event, WorkerGone):
            yield from self._bury(event.worker)
        else:
            event.worker.heard_clock_s = time.monotonic()
            yield from self._hear_message(event.worker, event.message)
        self._feed()

    def check(self) -> Iterable[Finished]:
        """Look for stuck, starved and missing workers; call it several times a second. Yields what is given up."""
        if self.is_given_up:
            yield from self.take_back()
            return
        generation, now = self._generation, time.monotonic()
        if generation is None or self._is_closing:
            return
        for worker in generation.workers:
            if worker.taken is not None and now - worker.heard_clock_s > self._payload_timeout_s:
                log.warning(
                    "Worker %s made no progress for %g s; it is replaced.", worker.slot, self._payload_timeout_s
                )
                worker.process.kill()
        if not any(worker.is_ready for worker in generation.workers):
            if now - generation.started_clock_s > READY_TIMEOUT_S:
                self._dismiss("no worker got ready in time")
        elif self.waiting and now - self._moved_clock_s > STARVED_AFTER_S and self._is_idle(generation):
            self._dismiss("payloads wait but no worker takes one")

    def take_back(self) -> list[Finished]:
        """Stop answering for everything unanswered, and return it unfinished."""
        taken_back = [Finished(entry.payload, None) for entry in self._unanswered.values()]
        self._unanswered.clear()
        self._backlog.clear()
        self._queued.clear()
        return taken_back

    def _close(self) -> None:
        self._is_closing = True
        if self._generation is None:
            return
        for _ in self._generation.workers:
            self._generation.queue.put_end()
        self._generation.wait_for_ends(CLOSE_TIMEOUT_S)

    def kill(self) -> None:
        """End all workers at once, whatever they are doing; nothing is heard of them any more."""
        self._is_closing = True
        if self._generation is not None:
            self._generation.dismiss()
            for worker in self._generation.workers:
                worker.process.join(timeout=5)
            self._generation.abandon()
            self._generation = None

    # Payloads

    def _feed(self) -> None:
        """Keep the queue filled a little beyond what the workers are busy with."""
        generation = self._generation
        if generation is None or self._is_closing or self.is_given_up:
            return
        while self._backlog and len(self._queued) < len(generation.workers) + LOOKAHEAD:
            if not self._queued:
                self._moved_clock_s = time.monotonic()
            number = self._backlog.popleft()
            entry = self._unanswered[number]
            self._queued.add(number)
            generation.queue.put_payload(entry.payload, entry.proof)

    def _hear_message(self, worker: Worker, message: object) -> Iterable[Finished]:
        match message:
            case Ready():
                worker.is_ready = True
                self._failed_starts = 0
                if self._generation is not None:
                    self._generation.is_start_failed = False
                self._moved_clock_s = time.monotonic()
            case Taken(number):
                self._note_taken(worker, number)
            case Proved(number, proof):
                if entry := self._unanswered.get(number):
                    entry.proof = proof
            case Done(number, stats):
                worker.taken = None
                self._moved_clock_s = time.monotonic()
                if entry := self._forget(number):
                    yield Finished(entry.payload, stats)
            case Logged(level, text):
                log.log(level, "Worker %s: %s", worker.slot, text)
            case Progressed():
                pass

    def _note_taken(self, worker: Worker, number: int) -> None:
        worker.taken = number
        self._idle_generations = 0
        self._moved_clock_s = time.monotonic()
        if self._generation is not None and worker.generation == self._generation.number:
            self._queued.discard(number)
        if (entry := self._unanswered.get(number)) and entry.taken_clock_s is None:
            entry.taken_clock_s = time.monotonic()
            self._on_taken()

    def _forget(self, number: int) -> _Unanswered | None:
        self._queued.discard(number)
        return self._unanswered.pop(number, None)

    # Generations

    def _start_generation(self) -> None:
        self._generations += 1
        generation = Generation(self._generations, self._post)
        error = generation.start(self._count, self._rules, self._prefix)
        if error is not None:
            log.warning(
                "Only %d of %d workers could be started (%s).", len(generation.workers), self._count, error.strerror
            )
        self._generation = generation
        self._moved_clock_s = time.monotonic()
        if generation.workers:
            self._feed()
        else:
            self._end_generation()

    def _is_idle(self, generation: Generation) -> bool:
        return all(worker.taken is None for worker in generation.workers)

    def _dismiss(self, reason: str) -> None:
        log.warning("The workers are replaced: %s.", reason)
        if self._generation is not None:
            self._generation.dismiss()

    def _bury(self, worker: Worker) -> Iterable[Finished]:
        """A worker is gone: count it, blame its payload, dismiss the rest; the last one gone ends the generation."""
        generation = self._generation
        if generation is None or worker not in generation.workers:
            return
        exit_code = generation.remove(worker)
        if self._is_closing:
            return
        if not worker.is_dismissed:
            self.deaths += 1
            if exit_code is not None and exit_code < 0:
                generation.is_start_failed = False  # killed from outside: that says nothing of the next start
            log.warning("Worker %s ended unexpectedly (%s); the workers are replaced.", worker.slot, _cause(exit_code))
            if worker.taken is not None and (entry := self._unanswered.get(worker.taken)):
                entry.strikes += 1
                if entry.strikes >= STRIKES:
                    self._forget(worker.taken)
                    yield Finished(entry.payload, None)
            generation.dismiss()
        if not generation.workers:
            self._end_generation()

    def _end_generation(self) -> None:
        """All workers of the generation are gone: give its queue up and start the next with all that is unanswered."""
        if self._generation is not None:
            self._failed_starts += self._generation.is_start_failed
            self._generation.abandon()
            self._generation = None
        self._idle_generations += 1
        if self._failed_starts >= LARGEST_FAILED_STARTS or self._idle_generations >= LARGEST_IDLE_GENERATIONS:
            log.error("No worker process can be kept running; the remaining reports fail.")
            self.is_given_up = True
            return
        self._queued.clear()
        self._backlog = deque(sorted(self._unanswered))
        self._start_generation()


def _cause(exit_code: int | None) -> str:
    if exit_code is None:
        return "cause unknown"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
