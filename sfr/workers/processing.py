"""What a worker does with a payload: from a body as received to the report file in place, and how that ended.

    decode ─► prove whole, cut the footer, count, hash ─► guards ─► same as before? ─► sync, rename

Nothing that the data or the disk does raises: it ends as a failed `ReportStats`, with the old file as it was. The
spool file is removed in every case. Does not fetch, retry or decide whether a failure is asked again.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass, replace
from datetime import datetime

from sfr.errors import REMEDIES, ErrorKind, ReportError
from sfr.files.atomic import AtomicFile, not_noted, remove_quietly
from sfr.files.errors import remedy_of
from sfr.files.trusted import DIRECTORY_MODE, open_report
from sfr.model import ReportStats, Status
from sfr.workers.guards import Verdict, judge
from sfr.workers.staging import OutputRules, Proof, fill, is_finished_in_place, staged_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sfr.files.unsupported import LeftOut
    from sfr.model import Payload

__all__ = ["OutputRules", "Proof", "process"]

#: Ending of the file that a guard refused, after the report file's own name.
REJECTED_ENDING = ".rejected"
#: Shortest time between two calls of `on_progress`, which costs a message.
PROGRESS_EVERY_S = 0.25


def process(
    payload: Payload,
    rules: OutputRules,
    *,
    temporary_prefix: str,
    on_progress: Callable[[], None],
    on_proof: Callable[[Proof], None],
    proof: Proof | None = None,
    on_left_out: Callable[[tuple[LeftOut, ...]], None] = not_noted,
) -> ReportStats:
    """Make the payload's body the report file, or say why not.

    temporary_prefix: start of the names of temporary files, which lie in the report's directory.
    on_progress: called now and then, while the work gets on.
    on_proof: called once the body is proved and judged, before anything that cannot be done again.
    proof: what `on_proof` was given by an earlier worker that died on this payload; its work is finished.
    on_left_out: called with what the report's file system does not support.

    A failure of kind `empty` has `rows` 0 if the report is whole and `may_be_empty: false` refused it, and None if
    the answer had no content, which another attempt may mend. New data refused by a guard lies at
    `<path>.rejected`. Raises for bugs only.
    """
    taken_clock_s = time.monotonic()
    work = _Work(payload, rules, temporary_prefix, _Progress(on_progress), on_left_out)
    try:
        outcome = work.finish(proof) if proof is not None else work.start(on_proof)
    except ReportError as error:
        outcome = _Outcome(Status.FAILED, error=error.kind, message=str(error))
    except OSError as error:
        outcome = _Outcome(Status.FAILED, error=ErrorKind.DISK, message=_disk_message(error, payload.report.path))
    finally:
        remove_quietly(payload.spool_path)
    return _stats(payload, outcome, taken_clock_s)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """How a payload ended, before times and facts of the answer are added."""

    status: Status
    proof: Proof | None = None
    error: ErrorKind | None = None
    message: str = ""


class _Progress:
    """Tells now and then that there were steps."""

    def __init__(self, on_progress: Callable[[], None]) -> None:
        self._on_progress = on_progress
        self._due_clock_s = time.monotonic() + PROGRESS_EVERY_S

    def step(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._due_clock_s:
            self._due_clock_s = now_s + PROGRESS_EVERY_S
            self._on_progress()


@dataclass(frozen=True, slots=True)
class _Work:
    """One payload on its way to its file."""

    payload: Payload
    rules: OutputRules
    temporary_prefix: str
    progress: _Progress
    on_left_out: Callable[[tuple[LeftOut, ...]], None]

    def start(self, on_proof: Callable[[Proof], None]) -> _Outcome:
        """From the body to the end."""
        report, spool_path = self.payload.report, self.payload.spool_path
        if spool_path is not None and not os.path.lexists(spool_path):
            # A worker found the body wanting and died before it could say so: only another download helps.
            raise ReportError(
                ErrorKind.TRUNCATED,
                "The received body was lost together with the worker that read it.",
                remedy=REMEDIES[ErrorKind.WORKER],
            )
        os.makedirs(report.directory, mode=DIRECTORY_MODE, exist_ok=True)
        if os.path.isdir(report.path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), report.path)
        with staged_file(self.payload, self.rules, self.temporary_prefix, self.on_left_out) as file:
            proof = fill(file, self.payload, self.rules, self.progress.step)
            verdict = self._judge(proof)
            if self.rules.if_unchanged == "skip" and verdict.error is None:
                is_unchanged = file.starts_as(report.path, proof.data_size, self.progress.step)
                proof = replace(proof, is_unchanged=is_unchanged)
            on_proof(proof)
            return self._put_in_place(file, proof, verdict)

    def finish(self, proof: Proof) -> _Outcome:
        """From an earlier worker's proof to the end; from the body where that worker left nothing else."""
        verdict = self._judge(proof)
        spool_path = self.payload.spool_path
        is_spool_there = spool_path is not None and os.path.lexists(spool_path)
        if is_spool_there and is_finished_in_place(self.payload):
            with staged_file(self.payload, self.rules, self.temporary_prefix, self.on_left_out) as file:
                if file.size_bytes < proof.data_size:
                    raise ReportError(
                        ErrorKind.TRUNCATED,
                        f"The spool file has {file.size_bytes:,} bytes, where {proof.data_size:,} had been proved.",
                        remedy="Look for another program that changes files in the report's directory.",
                    )
                return self._put_in_place(file, proof, verdict)
        if _holds(self._destination(verdict), proof, self.progress.step):
            return _outcome(proof, verdict, Status.UNCHANGED if proof.is_unchanged else Status.SAVED)
        if spool_path is None or is_spool_there:
            return self.start(lambda _proof: None)
        raise FileNotFoundError(errno.ENOENT, "the spool file vanished before the report was in place", spool_path)

    def _judge(self, proof: Proof) -> Verdict:
        payload = self.payload
        verdict = judge(payload.report.guards, payload.baseline, rows=proof.rows, header=proof.header)
        if verdict.error is None:
            return verdict
        return replace(verdict, message=f"{verdict.message} It was put aside as {self._destination(verdict)}.")

    def _destination(self, verdict: Verdict) -> str:
        return self.payload.report.path + (REJECTED_ENDING if verdict.error is not None else "")

    def _put_in_place(self, file: AtomicFile, proof: Proof, verdict: Verdict) -> _Outcome:
        if proof.is_unchanged:
            return _outcome(proof, verdict, Status.UNCHANGED)
        try:
            file.truncate(proof.data_size)
            warning = file.replace(self._destination(verdict))
        except OSError as error:
            if verdict.error is None:
                raise
            warning = f"That failed: {error.strerror or error}."
        return _outcome(proof, verdict, Status.SAVED, warning)


def _outcome(proof: Proof, verdict: Verdict, status: Status, warning: str = "") -> _Outcome:
    message = " ".join(filter(None, [verdict.message, proof.message, warning]))
    return _Outcome(Status.FAILED if verdict.error else status, proof, verdict.error, message)


def _holds(path: str, proof: Proof, on_step: Callable[[], None]) -> bool:
    """Whether the file at `path` is the proved one, by its size, and by its hash where that is known."""
    try:
        file = open(open_report(path), "rb", buffering=0)  # noqa: SIM115 - pathlib costs a worker 2 MB
    except OSError:
        return False
    with file:
        if os.fstat(file.fileno()).st_size != proof.data_size:
            return False
        if proof.sha256 is None:
            return True
        import hashlib

        digest = hashlib.sha256(usedforsecurity=False)
        while block := file.read(256 * 1024):
            digest.update(block)
            on_step()
    return digest.hexdigest() == proof.sha256


def _disk_message(error: OSError, report_path: str) -> str:
    path = error.filename2 or error.filename or report_path
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    return f"{path}: {error.strerror or error}. {remedy_of(error)}"


def _stats(payload: Payload, outcome: _Outcome, taken_clock_s: float) -> ReportStats:
    done_clock_s = time.monotonic()
    times, proof = payload.times, outcome.proof
    is_valid = outcome.status is not Status.FAILED
    return ReportStats(
        report=payload.report,
        status=outcome.status,
        error=outcome.error,
        message=outcome.message,
        attempt_count=payload.attempt,
        created_at=times.first_request_at,
        pulled_at=datetime.now(times.first_request_at.tzinfo) if is_valid else None,
        processing_time_s=done_clock_s - times.first_request_clock_s,
        rows=proof.rows if proof else None,
        columns=proof.columns if proof else None,
        size_bytes=proof.data_size if proof and is_valid else None,
        sha256=proof.sha256 if proof and is_valid else None,
        route=payload.route,
        http_status=payload.http_status,
        header=proof.header if proof else None,
        times=times,
        taken_clock_s=taken_clock_s,
        done_clock_s=done_clock_s,
        received_bytes=payload.received_bytes,
    )
