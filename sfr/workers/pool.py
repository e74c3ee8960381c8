"""The worker pool: every payload put in comes out exactly once, whatever happens to the workers.

A payload stays pending until a worker has reported its result. When a worker dies unexpectedly, hangs or blocks the
others, its generation is retired and the next one gets all pending payloads again. A payload whose worker died or hung
twice is given up (`Finished.processed` is None). Nothing here waits: the main thread passes in events (`handle`), calls
`check` regularly, and collects what is finished.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from sfr.processing.staging import remove_unfinished
from sfr.workers.generation import Generation, Worker, WorkerExited, WorkerReported, describe_exit
from sfr.workers.messages import Done, Heartbeat, Key, Logged, Proved, Ready, Taken, Unsupported
from sfr.workers.pending import PendingPayloads
from sfr.workers.restarts import Restarts
from sfr.workers.suspension import SuspensionDetector

if TYPE_CHECKING:
    from sfr.model import Payload, Processed
    from sfr.processing.report_file import OutputRules
    from sfr.storage.unsupported import UnsupportedFeature

log = logging.getLogger(__name__)

#: A generation without a ready worker after this has failed to start.
READY_TIMEOUT_S = 60.0
#: Payloads waiting, no worker busy and none taken for this long: a stopped worker holds the queue's lock.
STARVED_AFTER_S = 5.0
#: A killed worker that still exists after this is unkillable (in a system call on a dead file server): it is left.
UNKILLABLE_AFTER_S = 10.0
#: Idle workers exit well within this.
CLOSE_TIMEOUT_S = 10.0
#: Payloads queued beyond one per worker, so that no worker waits for the main thread; the rest stays in the backlog.
LOOKAHEAD = 8


@dataclass(frozen=True, slots=True)
class Finished:
    """A payload that has left the pool; `processed` None: its worker died or hung twice, or none can be started."""

    payload: Payload
    processed: Processed | None


class WorkerPool:
    """The worker processes and their pending payloads. Main thread only."""

    def __init__(
        self,
        count: int,
        rules: OutputRules,
        temporary_prefix: str,
        payload_timeout_s: float,
        post: Callable[[WorkerReported | WorkerExited], None],
        on_taken: Callable[[], None] = lambda: None,
        on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = lambda _unsupported: None,
    ) -> None:
        self.deaths = 0
        #: Why the system let no worker of the last generation start; None if one started.
        self.refusal: OSError | None = None
        self._count = count
        self._rules = rules
        self._prefix = temporary_prefix
        self._payload_timeout_s = payload_timeout_s
        self._post = post
        self._on_taken = on_taken
        self._on_unsupported = on_unsupported
        self._payloads = PendingPayloads()
        self._generation: Generation | None = None
        self._generations = 0
        self._restarts = Restarts()
        self._last_progress_clock_s = time.monotonic()
        self._suspension = SuspensionDetector()
        self._is_closing = False

    # Public interface

    def __enter__(self) -> WorkerPool:
        """Start the first generation; it becomes ready while the main process logs in."""
        self._start_generation()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Let the workers drain the queue and exit; kill those that do not, or all of them after an error."""
        if error is None:
            self._close()
        self.kill()

    def put(self, payload: Payload) -> None:
        """Add a payload; it comes out of `handle`, `check` or `withdraw_all`."""
        self._payloads.put(payload)
        self._feed()

    @property
    def has_given_up(self) -> bool:
        """Whether no worker can be kept running; every payload then finishes at once, unprocessed."""
        return self._restarts.has_given_up

    @property
    def waiting(self) -> int:
        """Payloads that no worker has taken yet."""
        return self._payloads.waiting

    @property
    def pending(self) -> int:
        """Payloads put in that have not come out yet."""
        return len(self._payloads)

    def handle(self, event: WorkerReported | WorkerExited) -> Iterable[Finished]:
        """Handle an event from a worker; yields what it finished."""
        if isinstance(event, WorkerExited):
            yield from self._handle_exit(event.worker)
        else:
            event.worker.last_message_clock_s = time.monotonic()
            yield from self._handle_message(event.worker, event.message)
        self._feed()

    def check(self) -> Iterable[Finished]:
        """Look for hung, blocked and missing workers; call it several times a second. Yields what is given up."""
        if self.has_given_up:
            yield from self.withdraw_all()
            return
        now = time.monotonic()
        suspended_s = self._suspension.suspended_s(now)
        if self._is_closing:
            return
        if self._generation is None:
            if self._generations and self._restarts.is_due(now):
                self._start_generation()
            return
        self._last_progress_clock_s += suspended_s
        self._generation.extend_deadlines(suspended_s)
        for worker in self._generation.unkillable(now - UNKILLABLE_AFTER_S):
            log.warning("Worker %s cannot be killed; the run continues without it.", worker.slot)
            yield from self._handle_exit(worker)
        if self._generation is not None and not self._generation.is_retired:
            self._check_progress(self._generation, now)

    def withdraw_all(self) -> list[Finished]:
        """Remove all pending payloads and return them, unprocessed."""
        return [Finished(payload, None) for payload in self._payloads.withdraw_all()]

    def _close(self) -> None:
        self._is_closing = True
        if self._generation is None:
            return
        for _ in self._generation.workers:
            self._generation.queue.put_end()
        self._generation.wait_for_ends(CLOSE_TIMEOUT_S)

    def kill(self) -> None:
        """Kill all workers at once; their remaining messages are ignored."""
        self._is_closing = True
        if self._generation is not None:
            self._generation.retire()
            for worker in list(self._generation.workers):
                self._generation.remove(worker)
            self._generation.abandon()
            self._generation = None

    # Payloads

    def _feed(self) -> None:
        """Keep the queue filled, slightly ahead of the workers."""
        generation = self._generation
        if generation is None or self._is_closing or self.has_given_up:
            return
        while self._payloads.queued < len(generation.workers) + LOOKAHEAD:
            if not self._payloads.queued:
                self._last_progress_clock_s = time.monotonic()
            if (entry := self._payloads.next_for_queue()) is None:
                return
            generation.queue.put_payload(entry.payload, entry.proof)

    def _handle_message(self, worker: Worker, message: object) -> Iterable[Finished]:
        match message:
            case Ready():
                worker.is_ready = True
                self._restarts.record_ready()
                if self._generation is not None:
                    self._generation.is_start_failed = False
                self._last_progress_clock_s = time.monotonic()
            case Taken(key):
                self._mark_taken(worker, key)
            case Proved(key, proof):
                self._payloads.save_proof(key, proof)
            case Done(key, processed):
                worker.current_key = None
                self._last_progress_clock_s = time.monotonic()
                if payload := self._payloads.remove(key):
                    yield Finished(payload, processed)
            case Logged(level, text):
                log.log(level, "Worker %s: %s", worker.slot, text)
            case Unsupported(features):
                self._on_unsupported(features)
            case Heartbeat():
                pass

    def _mark_taken(self, worker: Worker, key: Key) -> None:
        worker.current_key = key
        self._restarts.record_taken()
        self._last_progress_clock_s = time.monotonic()
        is_current = self._generation is not None and worker.generation == self._generation.number
        if self._payloads.mark_taken(key, from_queue=is_current):
            self._on_taken()

    # Watchdog

    def _check_progress(self, generation: Generation, now_s: float) -> None:
        """Kill hung workers; retire a generation that does not start or whose queue is blocked."""
        if any(worker.killed_clock_s is not None for worker in generation.workers):
            return  # when it exits, the others are retired
        for worker in generation.workers:
            if worker.current_key is not None and now_s - worker.last_message_clock_s > self._payload_timeout_s:
                log.warning(
                    "Worker %s made no progress for %g s (`workers.payload_timeout_s`); it is replaced.",
                    worker.slot,
                    self._payload_timeout_s,
                )
                worker.kill()
        if not any(worker.is_ready for worker in generation.workers):
            if now_s - generation.started_clock_s > READY_TIMEOUT_S:
                self._retire(generation, "no worker became ready in time")
        elif self.waiting and now_s - self._last_progress_clock_s > STARVED_AFTER_S and generation.is_idle:
            self._retire(generation, "payloads are waiting but no worker takes one")

    def _retire(self, generation: Generation, reason: str) -> None:
        log.warning("Replacing the workers: %s.", reason)
        generation.retire()

    # Generations

    def _start_generation(self) -> None:
        self._generations += 1
        generation = Generation(self._generations, self._post)
        error = generation.start(self._count, self._rules, self._prefix)
        if error is not None:
            started = len(generation.workers)
            log.warning("Only %d of %d workers could be started (%s).", started, self._count, error.strerror)
        self.refusal = error if not generation.workers else None
        self._generation = generation
        self._last_progress_clock_s = time.monotonic()
        if generation.workers:
            self._feed()
        else:
            self._end_generation(generation)

    def _handle_exit(self, worker: Worker) -> Iterable[Finished]:
        """Count an unexpected exit, charge it to the payload, retire the rest; after the last, start a generation."""
        generation = self._generation
        if generation is None or worker not in generation.workers:
            return
        exit_code = generation.remove(worker)
        if self._is_closing:
            return
        if worker.current_key is not None and (unfinished := self._payloads.payload(worker.current_key)):
            remove_unfinished(unfinished, self._prefix)
        if not worker.is_retired:
            self.deaths += 1
            log.warning(
                "Worker %s exited unexpectedly (%s); replacing the workers.", worker.slot, describe_exit(exit_code)
            )
            self._halve_after_early_exit(generation, worker, exit_code)
            if worker.current_key is not None and (payload := self._payloads.record_crash(worker.current_key)):
                yield Finished(payload, None)
            generation.retire()
        if not generation.workers:
            self._end_generation(generation)

    def _halve_after_early_exit(self, generation: Generation, worker: Worker, exit_code: int | None) -> None:
        """Halve the number of workers after one exited before it was ready: resources may suffice for fewer."""
        if exit_code is None or exit_code < 0:
            generation.is_start_failed = False
        elif not worker.is_ready and self._count > 1:
            self._count //= 2
            log.warning("Continuing with at most %d workers.", self._count)

    def _end_generation(self, generation: Generation) -> None:
        """All workers of the generation have exited: abandon its queue and requeue what is pending."""
        generation.abandon()
        self._generation = None
        self._restarts.record_end(
            time.monotonic(), start_failed=generation.is_start_failed, started_any=generation.has_started_any
        )
        if self.has_given_up:
            log.error("No worker process can be kept running; the remaining reports fail.")
            return
        self._payloads.requeue()
        if generation.has_started_any:
            self._start_generation()
