"""The table of all reports in the HTML summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sfr.history.past import PastReport
from sfr.model import Status
from sfr.results import ReportStats, RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, row
from sfr.summaries.html_trends import trend
from sfr.summaries.html_words import badge, report_id, report_name
from sfr.summaries.markup import Markup, joined, tag
from sfr.terminal.figures import count, seconds, size

#: Curves are drawn for so many reports; a page with tens of thousands would be slow to open.
MOST_TRENDS = 500
#: Where the rows go in the table's markup. No text can look so, since its `<` would be escaped.
ROWS = Markup("<rows/>")
_HEADS = ("Report", "Status", "Rows", "Size", "Seconds", "Attempts")


@dataclass(frozen=True, slots=True)
class Table:
    """A section with `ROWS` in the place of its table's rows, and these, made one after the other."""

    section: Markup
    rows: Iterator[Markup]


def reports_table(run: RunStats, background: Background) -> Table:
    """The table of all reports in list order, with the curves of the last runs."""
    caption = "In the order of the report list."
    if background.trends:
        caption += " The curves show the last runs, oldest first; the dot is this one."
    rows = (
        _report_row(run, stats, background.trends.get(stats.report.position, ()) if place < MOST_TRENDS else ())
        for place, stats in enumerate(run.reports)
    )
    heads = [
        tag("th", head, scope="col", role="columnheader", class_="number" if head in _HEADS[2:] else None)
        for head in _HEADS
    ]
    return Table(_section("Reports", caption, heads), rows)


def _report_row(run: RunStats, stats: ReportStats, past: Sequence[PastReport]) -> Markup:
    status = stats.status.value
    report = stats.report
    below = joined(filter(None, (report_id(run, stats), report.path)), " · ")
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
        tag(
            "td",
            tag("div", report_name(report.name)),
            tag("div", below, class_="soft small"),
            class_="name",
            role="cell",
        ),
        tag("td", badge(status, status), role="cell"),
        *cells,
        tag("td", str(stats.attempt_count), class_="number", data_head=_HEADS[-1], role="cell"),
        role="row",
    )


def columns_table(run: RunStats, columns: tuple[str, ...]) -> Table:
    """The table of all reports with the columns that the configuration picked."""
    rows = (
        tag("tr", *(tag("td", _shown(value), data_head=name) for name, value in row(stats, columns).items()))
        for stats in run.reports
    )
    heads = [tag("th", name, scope="col") for name in columns]
    return Table(_section("Reports", "In the order of the report list.", heads, stacks=False), rows)


def _shown(value: Value) -> str:
    return "" if value is None else str(value)


def _section(title: str, caption: str, heads: Iterable[Markup], *, stacks: bool = True) -> Markup:
    table = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads, role="row" if stacks else None), role="rowgroup" if stacks else None),
        tag("tbody", ROWS, role="rowgroup" if stacks else None),
        class_="stack" if stacks else None,
        role="table" if stacks else None,  # the phone's layout would take the table's meaning away
    )
    return tag("section", tag("h2", title, id="reports"), tag("div", table, class_="scroll"), aria_labelledby="reports")


def shares(run: RunStats) -> dict[Status, int]:
    """How many reports ended in which way; ways that none ended in are left out."""
    return {status: run.totals.by_status[status] for status in Status if run.totals.by_status[status]}
