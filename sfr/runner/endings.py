"""Errors for reports that the run itself stops: by a signal or the deadline, or for lack of workers or threads."""

from __future__ import annotations

from sfr.errors import REMEDIES, ErrorKind, ReportError


def interrupted() -> ReportError:
    """For reports cut off by a stop signal."""
    return ReportError(ErrorKind.INTERRUPTED, "The run was stopped by a signal before this report was finished.")


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


def no_workers() -> ReportError:
    """For all open reports when no worker process can be kept running."""
    return ReportError(
        ErrorKind.WORKER, f"No worker process can be kept running. {REMEDIES[ErrorKind.WORKER]}", remedy=""
    )


def no_fetch_threads(refused: OSError) -> ReportError:
    """For all open reports when the system refuses to start any fetch thread."""
    return ReportError(
        ErrorKind.WORKER,
        f"The operating system refused to start a thread to fetch with ({refused.strerror}). "
        "Raise the limit on processes and threads (`ulimit -u`, `TasksMax=`).",
        remedy="",
    )
