"""Processes a payload in a worker: from the received body to the report file in place.

    decode ─► prove complete, cut the footer, count, hash ─► guards ─► unchanged? ─► sync, rename

Errors of the data or the disk do not raise: they end as a failed `Processed`, with the old file unchanged. The spool
file is removed in every case. Does not fetch, retry or decide about retries.
"""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass, replace
from datetime import datetime

from sfr.errors import REMEDIES, ErrorKind, ReportError
from sfr.model import Processed, Status
from sfr.processing.guards import Verdict, check
from sfr.processing.staging import OutputRules, Proof, fill, is_finished_in_place, staged_file
from sfr.storage.atomic import AtomicFile, ignore_unsupported, remove_quietly
from sfr.storage.errors import remedy_of
from sfr.storage.trusted import DIRECTORY_MODE, open_report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from sfr.model import Payload
    from sfr.storage.unsupported import UnsupportedFeature

__all__ = ["OutputRules", "Proof", "process"]

#: Suffix of a file refused by a guard, appended to the name of the report file.
REJECTED_SUFFIX = ".rejected"
#: Minimum interval between two calls of `on_progress`, each of which sends a message.
PROGRESS_INTERVAL_S = 0.25


def process(
    payload: Payload,
    rules: OutputRules,
    *,
    temporary_prefix: str,
    on_progress: Callable[[], None],
    on_proof: Callable[[Proof], None],
    proof: Proof | None = None,
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None] = ignore_unsupported,
) -> Processed:
    """Turn the payload's body into the report file; returns the outcome, also for failures.

    temporary_prefix: start of the names of temporary files, which are created in the report's directory.
    on_progress: called regularly while there is progress (a heartbeat).
    on_proof: called once the body is proved and checked, before the first step that cannot be repeated.
    proof: passed to `on_proof` by an earlier worker that died on this payload; processing continues from there.
    on_unsupported: called with features that the report's file system does not support.

    A failure of kind `empty` has `rows` 0 if the report is complete and was refused by `may_be_empty: false`, and None
    if the answer had no content, which is worth a retry. New data refused by a guard is saved as `<path>.rejected`.
    Raises for bugs only.
    """
    taken_clock_s = time.monotonic()
    work = _Work(payload, rules, temporary_prefix, _Progress(on_progress), on_unsupported)
    try:
        outcome = work.finish(proof) if proof is not None else work.start(on_proof)
    except ReportError as error:
        outcome = _Outcome(Status.FAILED, error=error.kind, message=str(error))
    except OSError as error:
        outcome = _Outcome(Status.FAILED, error=ErrorKind.DISK, message=_disk_message(error, payload.report.path))
    finally:
        remove_quietly(payload.spool_path)
    return _processed(outcome, time.monotonic() - taken_clock_s)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of a payload, before times and facts of the answer are added."""

    status: Status
    proof: Proof | None = None
    error: ErrorKind | None = None
    message: str = ""


class _Progress:
    """Calls `on_progress` for steps, at most once per `PROGRESS_INTERVAL_S`."""

    def __init__(self, on_progress: Callable[[], None]) -> None:
        self._on_progress = on_progress
        self._due_clock_s = time.monotonic() + PROGRESS_INTERVAL_S

    def step(self) -> None:
        now_s = time.monotonic()
        if now_s >= self._due_clock_s:
            self._due_clock_s = now_s + PROGRESS_INTERVAL_S
            self._on_progress()


@dataclass(frozen=True, slots=True)
class _Work:
    """The processing of one payload."""

    payload: Payload
    rules: OutputRules
    temporary_prefix: str
    progress: _Progress
    on_unsupported: Callable[[tuple[UnsupportedFeature, ...]], None]

    def start(self, on_proof: Callable[[Proof], None]) -> _Outcome:
        """Process the body from the start."""
        report, spool_path = self.payload.report, self.payload.spool_path
        if spool_path is not None and not os.path.lexists(spool_path):
            # A worker removed the bad body and died before it could report that: only another download helps.
            raise ReportError(
                ErrorKind.TRUNCATED,
                "The received body was lost together with the worker that read it.",
                remedy=REMEDIES[ErrorKind.WORKER],
            )
        os.makedirs(report.directory, mode=DIRECTORY_MODE, exist_ok=True)
        if os.path.isdir(report.path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), report.path)
        with staged_file(self.payload, self.rules, self.temporary_prefix, self.on_unsupported) as file:
            proof = fill(file, self.payload, self.rules, self.progress.step)
            verdict = self._check(proof)
            if self.rules.if_unchanged == "skip" and verdict.error is None:
                is_unchanged = file.matches(report.path, proof.data_size, self.progress.step)
                proof = replace(proof, is_unchanged=is_unchanged)
            on_proof(proof)
            return self._put_in_place(file, proof, verdict)

    def finish(self, proof: Proof) -> _Outcome:
        """Continue from an earlier worker's proof; from the body if that worker left nothing else."""
        verdict = self._check(proof)
        spool_path = self.payload.spool_path
        is_spool_there = spool_path is not None and os.path.lexists(spool_path)
        if is_spool_there and is_finished_in_place(self.payload):
            with staged_file(self.payload, self.rules, self.temporary_prefix, self.on_unsupported) as file:
                if file.size_bytes < proof.data_size:
                    raise ReportError(
                        ErrorKind.TRUNCATED,
                        f"The spool file has {file.size_bytes:,} bytes, not {proof.data_size:,} as when it was proved.",
                        remedy="Look for another program that changes files in the report's directory.",
                    )
                return self._put_in_place(file, proof, verdict)
        if _is_proved_file(self._destination(verdict), proof, self.progress.step):
            status = Status.UNCHANGED if proof.is_unchanged else Status.SAVED
            return _outcome(proof, verdict, status, self._rejection_note(verdict))
        if spool_path is None or is_spool_there:
            return self.start(lambda _proof: None)
        raise FileNotFoundError(errno.ENOENT, "the spool file vanished before the report was in place", spool_path)

    def _check(self, proof: Proof) -> Verdict:
        payload = self.payload
        return check(payload.report.guards, payload.baseline, rows=proof.rows, header=proof.header)

    def _confirm_lease(self) -> None:
        claim = self.rules.claim
        if claim is not None and not claim.is_current():
            raise ReportError(
                ErrorKind.INTERRUPTED, "Another run has taken the output directory over; nothing was changed."
            )

    def _destination(self, verdict: Verdict) -> str:
        return self.payload.report.path + (REJECTED_SUFFIX if verdict.error is not None else "")

    def _rejection_note(self, verdict: Verdict) -> str:
        return "" if verdict.error is None else f"The new data was saved as {self._destination(verdict)}."

    def _put_in_place(self, file: AtomicFile, proof: Proof, verdict: Verdict) -> _Outcome:
        if proof.is_unchanged:
            return _outcome(proof, verdict, Status.UNCHANGED)
        destination = self._destination(verdict)
        try:
            file.truncate(proof.data_size)
            warning = file.replace(destination, self._confirm_lease)
        except OSError as error:
            if verdict.error is None:
                raise
            warning = f"The new data could not be saved as {destination}: {error.strerror or error}."
        else:
            warning = " ".join(filter(None, [self._rejection_note(verdict), warning]))
        return _outcome(proof, verdict, Status.SAVED, warning)


def _outcome(proof: Proof, verdict: Verdict, status: Status, warning: str = "") -> _Outcome:
    message = " ".join(filter(None, [verdict.message, proof.message, warning]))
    return _Outcome(Status.FAILED if verdict.error else status, proof, verdict.error, message)


def _is_proved_file(path: str, proof: Proof, on_step: Callable[[], None]) -> bool:
    """Whether the file at `path` is the proved one, by its size and, if known, its hash."""
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


def _processed(outcome: _Outcome, worked_s: float) -> Processed:
    proof, is_valid = outcome.proof, outcome.status is not Status.FAILED
    return Processed(
        status=outcome.status,
        error=outcome.error,
        message=outcome.message,
        rows=proof.rows if proof else None,
        columns=proof.columns if proof else None,
        size_bytes=proof.data_size if proof and is_valid else None,
        sha256=proof.sha256 if proof and is_valid else None,
        header=proof.header if proof else None,
        pulled_at=datetime.now().astimezone() if is_valid else None,
        worked_s=worked_s,
    )
