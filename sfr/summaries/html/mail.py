"""The summary as the HTML part of a mail: inline styles and tables, as mail programs need them; no script."""

from __future__ import annotations

from collections.abc import Sequence

from sfr.results import RunStats
from sfr.summaries.html.causes import causes, notices

#: Reports in the table, failed ones first: mail programs cut long messages.
MAX_REPORTS = 200
#: Names listed of reports that failed alike.
MAX_NAMES = 10


def render_mail(run: RunStats, title: str, notes: Sequence[str]) -> str:
    """The HTML. notes: sentences about the message itself. Masks no secrets: see `redact_run`."""
    from sfr.summaries.html.environment import render_template

    reports = sorted(run.reports, key=lambda stats: stats.is_valid)
    blocks = render_template(
        "mail.html",
        run=run,
        title=title,
        causes=causes(run),
        notices=notices(run),
        notes=notes,
        reports=reports[:MAX_REPORTS],
        max_names=MAX_NAMES,
    )
    return b"".join(blocks).decode()
