"""What the program ends with after a run: the exit code, from how the reports ended. The codes: `sfr.errors`."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from sfr.errors import ExitCode
from sfr.model import ReportStats


def exit_code(
    reports: Sequence[ReportStats],
    stop_signal: int | None = None,
    *,
    is_session_lost: bool = False,
    skipped: int = 0,
) -> int:
    """What the program ends with, given the reports that were not skipped.

    A signal outranks a lost session, and that outranks failed reports (see `ExitCode`).
    """
    if stop_signal is not None:
        return ExitCode.SIGINT if stop_signal == signal.SIGINT else ExitCode.SIGTERM
    if is_session_lost:
        return ExitCode.LOG_IN
    if all(stats.is_valid for stats in reports):
        return ExitCode.SUCCESS
    has_any = skipped > 0 or any(stats.is_valid for stats in reports)
    return ExitCode.SOME_FAILED if has_any else ExitCode.NONE_SAVED
