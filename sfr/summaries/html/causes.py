"""Groups failed reports by cause, and warnings by message."""

from __future__ import annotations

from dataclasses import dataclass

from sfr.results import ReportStats, RunStats
from sfr.summaries.reasons import by_error, failures, reason_and_remedy, skips, warnings


@dataclass(frozen=True, slots=True)
class Cause:
    """Failed reports with the same error, reason and remedy."""

    error: str
    reason: str
    remedy: str
    reports: tuple[ReportStats, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message about reports that did not fail, and their names."""

    message: str
    names: tuple[str, ...]


def causes(run: RunStats) -> tuple[Cause, ...]:
    """The causes of all failures, most frequent error first."""
    found = []
    for error, group in by_error(failures(run)).items():
        alike: dict[tuple[str, str], list[ReportStats]] = {}
        for stats in group:
            alike.setdefault(reason_and_remedy(stats), []).append(stats)
        found += [Cause(error, reason, remedy, tuple(reports)) for (reason, remedy), reports in alike.items()]
    return tuple(found)


def notices(run: RunStats) -> tuple[Notice, ...]:
    """The warnings about reports that did not fail, and why others were skipped."""
    names: dict[str, list[str]] = {}
    for stats in warnings(run):
        names.setdefault(stats.message, []).append(stats.name)
    for message, skipped in skips(run).items():
        names[message] = [stats.name for stats in skipped]
    return tuple(Notice(message, tuple(found)) for message, found in names.items())
