"""The exit code of a run, derived from how its reports ended. The codes: `sfr.errors`."""

from __future__ import annotations

import signal
from collections.abc import Iterable

from sfr.errors import ExitCode
from sfr.results import ReportStats


def exit_code(reports: Iterable[ReportStats], stop_signal: int | None = None, *, is_session_lost: bool = False) -> int:
    """The exit code: a signal outranks a lost session, which outranks failed reports (see `ExitCode`)."""
    if stop_signal is not None:
        return ExitCode.SIGINT if stop_signal == signal.SIGINT else ExitCode.SIGTERM
    if is_session_lost:
        return ExitCode.LOG_IN
    outcomes = {(stats.is_valid, stats.is_in_place) for stats in reports}
    if all(is_valid for is_valid, _ in outcomes):
        return ExitCode.SUCCESS
    return ExitCode.SOME_FAILED if any(is_in_place for _, is_in_place in outcomes) else ExitCode.NONE_SAVED
