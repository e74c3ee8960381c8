"""Why reports end that the run itself ends: a stop, the deadline, no worker, no thread. Only words, no decision."""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind, ReportError


def interrupted() -> ReportError:
    """What becomes of a report that a stop signal cut off."""
    return ReportError(ErrorKind.INTERRUPTED, "The run was stopped by a signal before this report ended.")


def deadline_passed(deadline_s: float) -> ReportError:
    """What becomes of a report that the run's deadline cut off."""
    return ReportError(
        ErrorKind.TIMEOUT,
        f"The run's deadline of {deadline_s:g} s (`fetch.deadline_s`) passed before this report ended.",
        remedy="Raise the deadline, or run fewer reports.",
        permanent=True,
    )


def worker_lost() -> ReportError:
    """What becomes of a report whose worker died or stuck twice."""
    return ReportError(
        ErrorKind.WORKER,
        f"The worker process died or stuck twice on this report. {REMEDIES[ErrorKind.WORKER]}",
        remedy="",
    )


def no_workers() -> ReportError:
    """What becomes of reports when no worker process can be kept running."""
    return ReportError(
        ErrorKind.WORKER, f"No worker process can be kept running. {REMEDIES[ErrorKind.WORKER]}", remedy=""
    )


def no_fetch_threads(refused: OSError) -> ReportError:
    """What becomes of reports when the system lets the run have no thread to fetch with."""
    return ReportError(
        ErrorKind.WORKER,
        f"The system grants no thread to fetch with ({refused.strerror}). "
        "Raise the limit on processes and threads (`ulimit -u`, `TasksMax=`).",
        remedy="",
    )
