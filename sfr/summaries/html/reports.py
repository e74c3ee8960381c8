"""The rows of the table of all reports, with sparklines of recent runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from sfr.history.past import PastReport
from sfr.results import ReportStats, RunStats
from sfr.summaries.background import Background
from sfr.summaries.html.trends import Trend, trend
from sfr.terminal.figures import count, seconds, size

#: Maximum of reports with sparklines; a page with tens of thousands of them would be slow to open.
MAX_TRENDS = 500


@dataclass(frozen=True, slots=True)
class Column:
    """A column of figures behind a report's name and status."""

    head: str
    #: Formats the figure.
    show: Callable[[float | None], str]
    figure: Callable[[ReportStats], float | None]
    #: The same figure in an earlier run; None for a column without sparklines.
    past: Callable[[PastReport], float | None] | None = None


def _count(number: float | None) -> str:
    return count(None if number is None else round(number))


#: On a narrow screen, the last column is shown beside the status, and the others below.
COLUMNS = (
    Column("Rows", _count, attrgetter("rows"), attrgetter("rows")),
    Column("Size", size, attrgetter("size_bytes"), attrgetter("size_bytes")),
    Column("Seconds", seconds, attrgetter("processing_time_s"), attrgetter("duration_s")),
    Column("Attempts", _count, attrgetter("attempt_count")),
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure in the table."""

    head: str
    text: str
    trend: Trend | None


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One report in the table."""

    stats: ReportStats
    cells: tuple[Cell, ...]


def report_rows(run: RunStats, background: Background) -> Iterator[ReportRow]:
    """All reports in list order."""
    for place, stats in enumerate(run.reports):
        past = background.trends.get(stats.report.position, ()) if place < MAX_TRENDS else ()
        yield ReportRow(stats, tuple(_cell(column, stats, past) for column in COLUMNS))


def _cell(column: Column, stats: ReportStats, past: Sequence[PastReport]) -> Cell:
    figure = column.figure(stats)
    curve = None
    if column.past is not None and past:
        curve = trend([*map(column.past, past), figure], column.head, column.show)
    return Cell(column.head, column.show(figure), curve)
