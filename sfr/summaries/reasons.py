"""Why a report failed and what to do about it, for the summaries."""

from __future__ import annotations

from collections.abc import Iterable

from sfr.errors import REMEDIES
from sfr.model import Status
from sfr.results import ReportStats, RunStats

SKIPPED_YOUNG = "Fetched less than `max_age_h` ago; `message` in the CSV and JSON summaries says when."


def reason_and_remedy(stats: ReportStats) -> tuple[str, str]:
    """Split the report's message into what happened and what to do.

    Only the default remedy of the error's kind is split off, wherever it occurs; a specific remedy remains in the
    reason.
    """
    if stats.error is None:
        return stats.message, ""
    remedy = REMEDIES[stats.error]
    before, found, after = stats.message.partition(remedy)
    if found:
        return f"{before.rstrip()} {after.lstrip()}".strip(), remedy
    return (stats.message, "") if stats.message else ("", remedy)


def failures(run: RunStats) -> tuple[ReportStats, ...]:
    """The failed reports, in list order."""
    return tuple(stats for stats in run.reports if stats.status is Status.FAILED)


def warnings(run: RunStats) -> tuple[ReportStats, ...]:
    """Valid reports with a message, but for those that were skipped."""
    return tuple(
        stats for stats in run.reports if stats.is_valid and stats.message and stats.status is not Status.SKIPPED
    )


def skips(run: RunStats) -> dict[str, list[ReportStats]]:
    """Reports that were skipped with a message, by message.

    Each has an age of its own: those of several reports are left to the list of reports.
    """
    skipped = [stats for stats in run.reports if stats.status is Status.SKIPPED and stats.message]
    messages = {stats.message for stats in skipped}
    return {messages.pop() if len(messages) == 1 else SKIPPED_YOUNG: skipped} if skipped else {}


def by_error(failed: Iterable[ReportStats]) -> dict[str, list[ReportStats]]:
    """Failed reports by error, most frequent error first."""
    groups: dict[str, list[ReportStats]] = {}
    for stats in failed:
        groups.setdefault("unknown" if stats.error is None else stats.error.value, []).append(stats)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))
