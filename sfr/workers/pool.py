"""The worker pool: every payload put in comes out exactly once, whatever happens to the workers.

The pool answers for a payload until a worker has said how it ended. When a worker dies unasked, sticks or starves
the others, the generation is dismissed and the next one gets everything unanswered again. A payload whose own worker
died or stuck twice is given up (`Finished.stats` is None). Nothing here waits: the main thread hands in what its inbox
holds (`hear`) and the time (`check`), and takes out what is finished.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from sfr.workers.generation import Generation, Worker, WorkerGone, WorkerSaid, ending
from sfr.workers.messages import Done, Lacked, Logged, Progressed, Proved, Ready, Taken
from sfr.workers.staging import remove_unfinished
from sfr.workers.standstill import Standstill
from sfr.workers.unanswered import Unanswered

if TYPE_CHECKING:
    from sfr.files.unsupported import LeftOut
    from sfr.model import Payload, ReportStats
    from sfr.workers.processing import OutputRules

log = logging.getLogger(__name__)

#: A generation without one ready worker after this has failed to start.
READY_TIMEOUT_S = 60.0
#: Payloads wait, nobody is busy and none was taken for so long: a stopped worker holds the queue's lock.
STARVED_AFTER_S = 5.0
#: So many generations in a row that ended by themselves before they were ready, and the pool gives up.
LARGEST_FAILED_STARTS = 3
#: Where the system grants no process at all, the next try is made so much later: another program may have ended.
RESTART_PAUSE_S = 1.0
#: A killed worker that is still there after this is beyond reach (a system call on a dead file server): it is left.
UNKILLABLE_AFTER_S = 10.0
#: So many generations in a row that took nothing, and the pool gives up.
LARGEST_IDLE_GENERATIONS = 50
#: Workers that have nothing left to do end well within this.
CLOSE_TIMEOUT_S = 10.0
#: Payloads in the queue beyond one per worker, so that workers need not wait for the main thread; the rest waits here.
LOOKAHEAD = 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A payload the pool no longer answers for; stats None: its worker died or stuck twice, or no worker can be had."""

    payload: Payload
    stats: ReportStats | None


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
        on_left_out: Callable[[tuple[LeftOut, ...]], None] = lambda _left_out: None,
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
        self._on_left_out = on_left_out
        self._payloads = Unanswered()
        self._generation: Generation | None = None
        self._generations = 0
        self._failed_starts = 0
        self._idle_generations = 0
        self._restart_clock_s = 0.0
        self._moved_clock_s = time.monotonic()
        self._standstill = Standstill()
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
        self._payloads.put(payload)
        self._feed()

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet."""
        return self._payloads.waiting

    @property
    def unanswered(self) -> int:
        """Payloads the pool answers for."""
        return len(self._payloads)

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
        now = time.monotonic()
        stood_s = self._standstill.length_s(now)
        if self._is_closing:
            return
        if self._generation is None:
            if now >= self._restart_clock_s:
                self._start_generation()
            return
        self._moved_clock_s += stood_s
        self._generation.forgive(stood_s)
        for worker in self._generation.beyond_reach(now - UNKILLABLE_AFTER_S):
            log.warning("Worker %s cannot be killed; the run goes on without it.", worker.slot)
            yield from self._bury(worker)
        if self._generation is not None and not self._generation.is_dismissed:
            self._check_progress(self._generation, now)

    def take_back(self) -> list[Finished]:
        """Stop answering for everything unanswered, and return it unfinished."""
        return [Finished(payload, None) for payload in self._payloads.take_back()]

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
            for worker in list(self._generation.workers):
                self._generation.remove(worker)
            self._generation.abandon()
            self._generation = None

    # Payloads

    def _feed(self) -> None:
        """Keep the queue filled a little beyond what the workers are busy with."""
        generation = self._generation
        if generation is None or self._is_closing or self.is_given_up:
            return
        while self._payloads.queued < len(generation.workers) + LOOKAHEAD:
            if not self._payloads.queued:
                self._moved_clock_s = time.monotonic()
            if (entry := self._payloads.next_for_queue()) is None:
                return
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
                self._payloads.note_proof(number, proof)
            case Done(number, stats):
                worker.taken = None
                self._moved_clock_s = time.monotonic()
                if payload := self._payloads.forget(number):
                    yield Finished(payload, stats)
            case Logged(level, text):
                log.log(level, "Worker %s: %s", worker.slot, text)
            case Lacked(left_out):
                self._on_left_out(left_out)
            case Progressed():
                pass

    def _note_taken(self, worker: Worker, number: int) -> None:
        worker.taken = number
        self._idle_generations = 0
        self._moved_clock_s = time.monotonic()
        is_current = self._generation is not None and worker.generation == self._generation.number
        if self._payloads.note_taken(number, from_queue=is_current):
            self._on_taken()

    # Workers that do not get on

    def _check_progress(self, generation: Generation, now_s: float) -> None:
        """Kill workers that stick; dismiss a generation that does not start or whose queue nobody can read."""
        if any(worker.killed_clock_s is not None for worker in generation.workers):
            return  # with its end the others are dismissed
        for worker in generation.workers:
            if worker.taken is not None and now_s - worker.heard_clock_s > self._payload_timeout_s:
                log.warning(
                    "Worker %s made no progress for %g s (`workers.payload_timeout_s`); it is replaced.",
                    worker.slot,
                    self._payload_timeout_s,
                )
                worker.kill()
        if not any(worker.is_ready for worker in generation.workers):
            if now_s - generation.started_clock_s > READY_TIMEOUT_S:
                self._dismiss(generation, "no worker got ready in time")
        elif self.waiting and now_s - self._moved_clock_s > STARVED_AFTER_S and generation.is_idle:
            self._dismiss(generation, "payloads wait but no worker takes one")

    def _dismiss(self, generation: Generation, reason: str) -> None:
        log.warning("The workers are replaced: %s.", reason)
        generation.dismiss()

    # Generations

    def _start_generation(self) -> None:
        self._generations += 1
        generation = Generation(self._generations, self._post)
        error = generation.start(self._count, self._rules, self._prefix)
        if error is not None:
            started = len(generation.workers)
            log.warning("Only %d of %d workers could be started (%s).", started, self._count, error.strerror)
        self._generation = generation
        self._moved_clock_s = time.monotonic()
        if generation.workers:
            self._feed()
        else:
            self._end_generation(generation)

    def _bury(self, worker: Worker) -> Iterable[Finished]:
        """A worker is gone: count it, blame its payload, dismiss the rest; the last one gone ends the generation."""
        generation = self._generation
        if generation is None or worker not in generation.workers:
            return
        exit_code = generation.remove(worker)
        if self._is_closing:
            return
        if worker.taken is not None and (left := self._payloads.payload(worker.taken)):
            remove_unfinished(left, self._prefix)
        if not worker.is_dismissed:
            self.deaths += 1
            log.warning("Worker %s ended unexpectedly (%s); the workers are replaced.", worker.slot, ending(exit_code))
            self._note_bad_start(generation, worker, exit_code)
            if worker.taken is not None and (payload := self._payloads.strike(worker.taken)):
                yield Finished(payload, None)
            generation.dismiss()
        if not generation.workers:
            self._end_generation(generation)

    def _note_bad_start(self, generation: Generation, worker: Worker, exit_code: int | None) -> None:
        """Halve the workers after one that ended by itself before it was ready: the rest may then have enough."""
        if exit_code is None or exit_code < 0:
            generation.is_start_failed = False
        elif not worker.is_ready and self._count > 1:
            self._count //= 2
            log.warning("Going on with at most %d workers.", self._count)

    def _end_generation(self, generation: Generation) -> None:
        """All workers of the generation are gone: give its queue up; the next gets all that is unanswered."""
        self._failed_starts += generation.is_start_failed
        generation.abandon()
        self._generation = None
        self._idle_generations += 1
        if self._failed_starts >= LARGEST_FAILED_STARTS or self._idle_generations >= LARGEST_IDLE_GENERATIONS:
            log.error("No worker process can be kept running; the remaining reports fail.")
            self.is_given_up = True
            return
        self._payloads.requeue()
        if generation.has_started_any:
            self._start_generation()
        else:
            self._restart_clock_s = time.monotonic() + RESTART_PAUSE_S
