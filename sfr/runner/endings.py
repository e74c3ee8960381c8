"""Errors for reports that the run itself stops: by a signal or the deadline, or for lack of workers or threads."""

from __future__ import annotations

from sfr.errors import REMEDIES, DeliveryError, ErrorKind, ReportError
from sfr.storage.errors import FileError, reason_of


def interrupted() -> ReportError:
    """For reports cut off by a stop signal."""
    return ReportError(ErrorKind.INTERRUPTED, "The run was stopped by a signal before this report was finished.")


def lease_lost() -> ReportError:
    """For reports cut off because another run has taken the output directory over."""
    return ReportError(
        ErrorKind.INTERRUPTED, "Another run took the output directory over before this report was finished.", remedy=""
    )


def deadline_passed(deadline_s: float) -> ReportError:
    """For reports cut off by the run's deadline."""
    return ReportError(
        ErrorKind.TIMEOUT,
        f"The run's deadline of {deadline_s:g} s (`fetch.deadline_s`) passed before this report was finished.",
        remedy="Raise the deadline, or run fewer reports.",
        permanent=True,
    )


def worker_lost() -> ReportError:
    """For a report whose worker process died or hung twice."""
    return ReportError(
        ErrorKind.WORKER,
        f"The worker process died or hung twice on this report. {REMEDIES[ErrorKind.WORKER]}",
        remedy="",
    )


def no_workers(refusal: OSError | None = None) -> ReportError:
    """For all open reports when no worker process can be kept running. refusal: why none was even started."""
    what, remedy = "No worker process can be kept running", REMEDIES[ErrorKind.WORKER]
    if refusal is not None:
        what = f"{what}: {refusal.strerror}"
        remedy = "Permit it, or raise the limit on processes and threads (`ulimit -u`, `TasksMax=`)."
    return ReportError(ErrorKind.WORKER, f"{what}. {remedy}", remedy="")


def no_fetch_threads(refused: OSError) -> ReportError:
    """For all open reports when the system refuses to start any fetch thread."""
    return ReportError(
        ErrorKind.WORKER,
        f"The operating system refused to start a thread to fetch with ({refused.strerror}). "
        "Raise the limit on processes and threads (`ulimit -u`, `TasksMax=`).",
        remedy="",
    )


def undelivered(reason: ReportError) -> DeliveryError:
    """For deliveries that the run itself stops, for the same reason."""
    return DeliveryError(reason.message.replace("this report was finished", "the report was delivered"))


def output_directory_unusable(directory: str, error: OSError) -> ReportError:
    """For all reports when the output directory cannot be locked."""
    return ReportError(
        ErrorKind.DISK,
        f"The output directory {directory} cannot be used: {reason_of(error)}.",
        remedy=(
            error.remedy
            if isinstance(error, FileError)
            else "Correct `output.directory` or its permissions, or free some disk space."
        ),
    )
