"""A worker process: takes payloads from the shared queue until the end marker, and reports through its own pipe.

Imports almost nothing: what is imported here is paid once per worker, in memory and in start-up time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from multiprocessing import connection, parent_process

from sfr.errors import REMEDIES, ErrorKind
from sfr.model import Payload, Processed, Status
from sfr.processing.report_file import OutputRules, process
from sfr.signals import STOP_SIGNALS
from sfr.workers.messages import Done, Heartbeat, Logged, Proved, Ready, Taken, Unsupported, WorkerMessage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from sfr.processing.report_file import Proof
    from sfr.workers.payload_queue import PayloadQueue

#: The kernel's out-of-memory killer prefers a worker to the main process, which can replace it.
OOM_SCORE_ADJUSTMENT = "500"
LOG_LEVEL_WARNING = 30
LOG_LEVEL_ERROR = 40
#: Longest traceback sent to the main process; its end is kept.
MAX_LOG_CHARS = 3000


def work(queue: PayloadQueue, pipe: Connection, rules: OutputRules, temporary_prefix: str) -> None:
    """The worker's life, called in the new process.

    queue: payloads, each with the proof of an earlier worker or None; None ends the worker.
    pipe: where `WorkerMessage`s go.
    temporary_prefix: start of the name of every temporary file of this run.
    """
    _ignore_signals()
    try:
        _end_with_the_main_process()
    except RuntimeError as refused:  # no thread is granted: without the guard it must not run
        pipe.send(Logged(LOG_LEVEL_WARNING, f"The worker cannot run: {refused}."))
        raise SystemExit(1) from refused
    _raise_oom_score()
    pipe.send(Ready())
    while (item := queue.get()) is not None:
        payload, proof = item
        pipe.send(Taken(payload.key))
        pipe.send(Done(payload.key, _process(payload, proof, rules, temporary_prefix, pipe.send)))


def _process(
    payload: Payload,
    proof: Proof | None,
    rules: OutputRules,
    temporary_prefix: str,
    send: Callable[[WorkerMessage], None],
) -> Processed:
    key = payload.key
    try:
        return process(
            payload,
            rules,
            temporary_prefix=temporary_prefix,
            on_progress=lambda: send(Heartbeat(key)),
            on_proof=lambda found: send(Proved(key, found)),
            proof=proof,
            on_unsupported=lambda features: send(Unsupported(features)),
        )
    except Exception as bug:  # noqa: BLE001 - a bug costs one report, not the run
        import traceback

        send(Logged(LOG_LEVEL_ERROR, traceback.format_exc()[-MAX_LOG_CHARS:]))
        return Processed(
            Status.FAILED,
            ErrorKind.WORKER,
            message=f"The worker failed with {type(bug).__name__}, which is a bug in SFR. {REMEDIES[ErrorKind.WORKER]}",
        )


def _ignore_signals() -> None:
    """A service manager and Ctrl-C signal the whole group; workers end through the queue.

    The main process blocked these signals while it started us, so that none could arrive before this.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _end_with_the_main_process() -> None:
    """End at once when the main process is gone, even by SIGKILL: a blocked `queue.get()` would never notice."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-guard", daemon=True).start()


def _raise_oom_score() -> None:
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write(OOM_SCORE_ADJUSTMENT)
    except OSError:
        pass
