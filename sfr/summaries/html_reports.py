"""The parts of the HTML summary about single reports: what failed and why, and the table of all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from sfr.figures import count, counted, duration, seconds, size
from sfr.model import ReportStats, RunStats, Status
from sfr.past import PastReport
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, row
from sfr.summaries.html_trends import trend
from sfr.summaries.markup import Markup, joined, tag
from sfr.summaries.reasons import by_error, failures, reason_and_remedy, warnings

#: Curves are drawn for so many reports; a page with tens of thousands would be slow to open.
MOST_TRENDS = 500
#: Reports named one by one of those that failed alike.
MOST_NAMES = 50
_HEADS = ("Report", "Status", "Rows", "Size", "Seconds", "Tries")


def badge(status: str, words: str) -> Markup:
    """A word on a tinted ground; the word says it, the colour only helps."""
    return tag("span", words, class_=f"badge {status}")


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
    names = [
        tag("div", tag("h3", badge("failed", error), tag("span", stats.report.name)), _details(run, stats))
        for stats in group[:MOST_NAMES]
    ]
    if len(group) > MOST_NAMES:
        names.append(tag("p", f"and {len(group) - MOST_NAMES:,} more, in the table below"))
    what_to_do = tag("p", tag("strong", "What to do: "), remedy, class_="remedy") if remedy else ""
    return tag("div", *names, tag("p", reason) if reason else "", what_to_do, class_="cause")


def _details(run: RunStats, stats: ReportStats) -> Markup:
    facts = [_report_id(run, stats), counted(stats.attempt_count, "attempt")]
    if stats.http_status is not None:
        facts.append(f"last answer HTTP {stats.http_status}")
    if stats.processing_time_s is not None:
        facts.append(duration(stats.processing_time_s))
    return tag("p", joined(filter(None, facts), " · "), class_="soft small")


def _report_id(run: RunStats, stats: ReportStats) -> str:
    """The id as a link to the report in the org, for a person who is logged in there."""
    report_id = stats.report.report_id
    if not report_id or not run.domain.startswith("https://"):
        return report_id
    return tag("a", report_id, href=f"{run.domain.rstrip('/')}/{quote(report_id)}", rel="noreferrer noopener")


def warnings_section(run: RunStats) -> Markup | None:
    """What the run and its saved reports have to say all the same; None if nothing."""
    lines = [
        *(tag("p", note) for note in run.notes),
        *(tag("p", tag("strong", f"{stats.report.name}: "), stats.message) for stats in warnings(run)),
    ]
    return tag("section", tag("h2", "Worth knowing", id="notes"), *lines, aria_labelledby="notes") if lines else None


def reports_section(run: RunStats, background: Background) -> Markup:
    """The table of all reports in list order, with the curves of the last runs."""
    caption = "In the order of the report list."
    if background.trends:
        caption += " The curves show the last runs, oldest first; the dot is this one."
    rows = [
        _report_row(run, stats, background.trends.get(stats.report.position, ()) if place < MOST_TRENDS else ())
        for place, stats in enumerate(run.reports)
    ]
    heads = [
        tag("th", head, scope="col", role="columnheader", class_="number" if head in _HEADS[2:] else None)
        for head in _HEADS
    ]
    return _table("Reports", caption, heads, rows)


def _report_row(run: RunStats, stats: ReportStats, past: Sequence[PastReport]) -> Markup:
    status = stats.status.value
    report = stats.report
    below = joined(filter(None, (_report_id(run, stats), report.path)), " · ")
    runs = [*past, None]
    curves = (
        trend([stats.rows if one is None else one.rows for one in runs], "Rows", lambda n: count(round(n))),
        trend([stats.size_bytes if one is None else one.size_bytes for one in runs], "Size", size),
        trend([stats.processing_time_s if one is None else one.duration_s for one in runs], "Seconds", seconds),
    )
    figures = (count(stats.rows), size(stats.size_bytes), seconds(stats.processing_time_s))
    cells = [
        tag("td", figure, curve or "", class_="number", data_head=head, role="cell")
        for head, figure, curve in zip(_HEADS[2:], figures, curves, strict=False)
    ]
    return tag(
        "tr",
        tag("td", tag("div", report.name), tag("div", below, class_="soft small"), class_="name", role="cell"),
        tag("td", badge(status, status), role="cell"),
        *cells,
        tag("td", str(stats.attempt_count), class_="number", data_head=_HEADS[-1], role="cell"),
        role="row",
    )


def columns_section(run: RunStats, columns: tuple[str, ...]) -> Markup:
    """The table of all reports with the columns that the configuration picked."""
    rows = [
        tag("tr", *(tag("td", _shown(value), data_head=name) for name, value in row(stats, columns).items()))
        for stats in run.reports
    ]
    heads = [tag("th", name, scope="col") for name in columns]
    return _table("Reports", "In the order of the report list.", heads, rows, stacks=False)


def _shown(value: Value) -> str:
    return "" if value is None else str(value)


def _table(title: str, caption: str, heads: Iterable[Markup], rows: Iterable[Markup], *, stacks: bool = True) -> Markup:
    table = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads, role="row" if stacks else None), role="rowgroup" if stacks else None),
        tag("tbody", *rows, role="rowgroup" if stacks else None),
        class_="stack" if stacks else None,
        role="table" if stacks else None,  # the phone's layout would take the table's meaning away
    )
    return tag("section", tag("h2", title, id="reports"), tag("div", table, class_="scroll"), aria_labelledby="reports")


def shares(run: RunStats) -> dict[Status, int]:
    """How many reports ended in which way; ways that none ended in are left out."""
    return {status: run.count(status) for status in Status if run.count(status)}
