"""The summary as a table on the terminal: every report in list order, then what failed, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sfr.model import Status
from sfr.results import ReportStats, RunStats
from sfr.summaries.headline import headline
from sfr.summaries.reasons import failures, reason_and_remedy, skips, warnings
from sfr.terminal.figures import count, seconds, size
from sfr.terminal.rendering import MAX_TEXT_WIDTH, Column, paragraph, table_text
from sfr.terminal.text import printable

COLUMNS = (
    Column("Status"),
    Column("Report", is_cut=True),
    Column("Rows", is_number=True),
    Column("Size", is_number=True),
    Column("Seconds", is_number=True, is_optional=True),
    Column("Attempts", is_number=True, is_optional=True),
)
INDENT = "    "
#: Names listed of reports that failed alike.
MAX_NAMES = 10
_STATUS_STYLES = {
    Status.SAVED: "green",
    Status.UNCHANGED: "cyan",
    Status.SKIPPED: "cyan",
    Status.FAILED: "bold red",
}


def render_table(
    run: RunStats, *, width: int | None = None, encoding: str | None = "utf-8", color: bool = False
) -> str:
    """The table, ending with one line end.

    width: columns of the terminal; None where there is none, and nothing is cut. encoding: of the stream it will go to;
    what it cannot show becomes ASCII. color: paint the statuses. Masks no secrets: see `redact_run`.
    """
    width = None if width is None else min(MAX_TEXT_WIDTH, width)
    styles = [_STATUS_STYLES[stats.status] for stats in run.reports] if color else ()
    lines = [table_text(COLUMNS, map(_cells, run.reports), width, encoding, styles=styles)]
    for (kind, reason, remedy), names in _alike((*failures(run), *warnings(run))).items():
        lines += ["", *_explanation(_listed(names), kind, reason, remedy, width, encoding)]
    for reason, skipped in skips(run).items():
        listed = _listed([stats.report.name for stats in skipped])
        lines += ["", *_explanation(listed, Status.SKIPPED.value, reason, "", width, encoding)]
    for note in run.notes:
        lines += ["", *paragraph(note, width, encoding)]
    return "\n".join([*lines, "", *paragraph(headline(run), width, encoding), ""])


def _cells(stats: ReportStats) -> tuple[str, ...]:
    return (
        stats.status.value,
        stats.report.name,
        count(stats.rows),
        size(stats.size_bytes),
        seconds(stats.processing_time_s),
        str(stats.attempt_count),
    )


def _alike(reports: Iterable[ReportStats]) -> dict[tuple[str, str, str], list[str]]:
    """Names of reports by kind, reason and remedy, so that what many have in common is explained once."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for stats in reports:
        kind = "warning" if stats.error is None else stats.error.value
        names.setdefault((kind, *reason_and_remedy(stats)), []).append(stats.report.name)
    return names


def _listed(names: Sequence[str]) -> str:
    rest = len(names) - MAX_NAMES
    return ", ".join(names) if rest <= 1 else f"{', '.join(names[:MAX_NAMES])} and {rest:,} more"


def _explanation(
    names: str, kind: str, reason: str, remedy: str, width: int | None, encoding: str | None
) -> Iterator[str]:
    yield from paragraph(f"{names}: {kind}", width, encoding, indent=INDENT)
    if reason:
        yield from paragraph(reason, width, encoding, first=INDENT, indent=INDENT)
    if remedy:
        arrow = printable("→", encoding)
        yield from paragraph(remedy, width, encoding, first=f"{INDENT}{arrow} ", indent=f"{INDENT}{'':{len(arrow)}} ")
