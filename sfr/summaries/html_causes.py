"""The parts of the HTML summary that tell what went wrong: failed reports by their cause, and warnings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sfr.results import ReportStats, RunStats
from sfr.summaries.html_words import badge, report_id, report_name, sentences
from sfr.summaries.markup import Markup, joined, tag
from sfr.summaries.reasons import by_error, failures, reason_and_remedy, warnings
from sfr.terminal.figures import counted, duration

#: Reports named one by one of those that failed alike.
MOST_NAMES = 50
#: More names than this are folded away where they only give notice.
MOST_OPEN_NAMES = 6


def failed_section(run: RunStats) -> Markup | None:
    """Every failed report by cause, with reason and remedy; None if none failed."""
    failed = failures(run)
    if not failed:
        return None
    causes = [
        _cause(run, error, reason, remedy, stats)
        for error, group in by_error(failed).items()
        for (reason, remedy), stats in _alike(group).items()
    ]
    title = f"{counted(len(failed), 'report')} failed"
    heading = tag("h2", title, id="failed", class_="text-failed")
    stays = tag("p", "Files that earlier runs brought stay as they were.", class_="soft small")
    return tag("section", heading, *causes, stays, aria_labelledby="failed")


def _alike(group: Iterable[ReportStats]) -> dict[tuple[str, str], list[ReportStats]]:
    found: dict[tuple[str, str], list[ReportStats]] = {}
    for stats in group:
        found.setdefault(reason_and_remedy(stats), []).append(stats)
    return found


def _cause(run: RunStats, error: str, reason: str, remedy: str, group: Sequence[ReportStats]) -> Markup:
    """One cause: a report with its facts, or the number of reports and, below what to do, who they are."""
    is_one = len(group) == 1
    who = report_name(group[0].report.name) if is_one else counted(len(group), "report")
    what_to_do = tag("p", tag("strong", "What to do: "), sentences(remedy), class_="remedy") if remedy else ""
    return tag(
        "div",
        tag("h3", badge("failed", error), tag("span", who)),
        _facts(run, group[0]) if is_one else "",
        tag("p", sentences(reason)) if reason else "",
        what_to_do,
        "" if is_one else _names(run, group),
        class_="cause",
    )


def _names(run: RunStats, group: Sequence[ReportStats]) -> Markup:
    named = [
        tag("li", tag("strong", report_name(stats.report.name)), _facts(run, stats, is_short=True))
        for stats in group[:MOST_NAMES]
    ]
    more = len(group) - MOST_NAMES
    rest = tag("p", f"and {more:,} more, in the table below") if more > 0 else ""
    return joined([tag("ul", *named, class_="names"), rest])


def _facts(run: RunStats, stats: ReportStats, *, is_short: bool = False) -> Markup:
    facts = [report_id(run, stats), counted(stats.attempt_count, "attempt")]
    if stats.http_status is not None and not is_short:
        facts.append(f"HTTP {stats.http_status}")
    if stats.processing_time_s is not None and not is_short:
        facts.append(duration(stats.processing_time_s))
    return tag("p", joined(filter(None, facts), " · "), class_="soft small")


def warnings_section(run: RunStats) -> Markup | None:
    """What the run and its saved reports have to say all the same, alike things once; None if nothing."""
    by_message: dict[str, list[str]] = {}
    for stats in warnings(run):
        by_message.setdefault(stats.message, []).append(stats.report.name)
    lines = [
        *(tag("p", sentences(note)) for note in run.notes),
        *(_warning(message, names) for message, names in by_message.items()),
    ]
    return tag("section", tag("h2", "Worth knowing", id="notes"), *lines, aria_labelledby="notes") if lines else None


def _warning(message: str, names: Sequence[str]) -> Markup:
    listed = joined(map(report_name, names[:MOST_NAMES]), ", ")
    more = f" and {len(names) - MOST_NAMES:,} more" if len(names) > MOST_NAMES else ""
    if len(names) <= MOST_OPEN_NAMES:
        return tag("p", tag("strong", listed, ": "), sentences(message))
    who = tag("strong", counted(len(names), "report"), ": ")
    return tag("details", tag("summary", who, sentences(message)), tag("p", listed, more, class_="soft small"))
