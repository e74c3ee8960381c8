"""The summary as one HTML page: no script, nothing loaded, readable on a phone, in light and in dark.

The modules here prepare values and contain no markup; `templates/` holds the markup and the style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator

from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import row
from sfr.summaries.html.causes import causes, notices
from sfr.summaries.html.reports import COLUMNS, report_rows
from sfr.summaries.html.timeline import PHASES, timeline
from sfr.summaries.html.trends import FEWEST
from sfr.terminal.figures import counted


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:
    """The page, in blocks. `columns` replaces the table of reports with a plain one of these columns."""
    from sfr.summaries.html.environment import render_template  # loads Jinja2, which nothing else needs

    return render_template(
        "summary.html",
        run=run,
        verdict=verdict(run),
        causes=causes(run),
        notices=notices(run),
        timeline=timeline(run),
        phases=PHASES,
        has_trends=any(len(past) >= FEWEST - 1 for past in background.trends.values()),
        columns=columns or [column.head for column in COLUMNS],
        # Rendered one by one as the table is written.
        plain_rows=(row(stats, columns).values() for stats in run.reports) if columns else None,
        report_rows=report_rows(run, background),
    )


def verdict(run: RunStats) -> str:
    """The run in a few words."""
    total = len(run.reports)
    if not total:
        return "No report was fetched"
    if not run.failed:
        return "The report is in place" if total == 1 else f"All {total:,} reports are in place"
    return f"{run.failed:,} of {counted(total, 'report')} failed"
