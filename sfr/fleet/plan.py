"""The plan of a fleet: in which order orgs run, which are tried again, and the fleet's exit code. Pure."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Sequence

from sfr.errors import ExitCode
from sfr.fleet.values import OrgResult, PlannedOrg


def in_order(orgs: Sequence[PlannedOrg]) -> list[PlannedOrg]:
    """Those of unknown duration first, then the longest first; else in list order."""
    return sorted(orgs, key=rank)


def rank(org: PlannedOrg) -> tuple[bool, float]:
    """Sort key of `in_order`."""
    return org.expected_s is not None, -(org.expected_s or 0.0)


def is_tried_again(result: OrgResult, attempts: int, *, is_stopping: bool) -> bool:
    """Whether an org with this result gets another attempt."""
    if is_stopping or result.attempts >= attempts:
        return False
    return result.exit_code is None or result.exit_code == ExitCode.NONE_SAVED


def exit_code(orgs: Iterable[OrgResult], stop_signal: int | None = None, *, is_recorded: bool = True) -> int:
    """The exit code of a fleet. A stop signal outranks how its orgs ended; a record that is missing turns 0 into 4."""
    if stop_signal is not None:
        return int(ExitCode.SIGINT if stop_signal == signal.SIGINT else ExitCode.SIGTERM)
    outcomes = {(org.is_good, org.has_reports) for org in orgs}
    if all(is_good for is_good, _ in outcomes):
        return int(ExitCode.SUCCESS if is_recorded else ExitCode.SOME_FAILED)
    return int(ExitCode.SOME_FAILED if any(has_reports for _, has_reports in outcomes) else ExitCode.NONE_SAVED)


def makespan_bound_s(durations_s: Iterable[float], at_once: int) -> float:
    """No schedule of these durations on this number of processes ends sooner."""
    known = list(durations_s)
    return max([sum(known) / at_once, *known], default=0.0)
