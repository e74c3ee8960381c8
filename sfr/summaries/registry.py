"""The formats of the summary. A new format is one module in this package and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sfr.results import RunStats
from sfr.summaries import csv_summary, html, json_summary, prometheus
from sfr.summaries.background import Background


@dataclass(frozen=True, slots=True)
class SummaryFormat:
    """A summary format.

    render: returns the file's bytes in blocks, from the run (secrets masked), the selected columns (None = all) and the
    background. Reports are rendered one by one: a run may have tens of thousands.
    has_exit_code: whether the file contains the run's exit code.
    file_mode: permissions if another user's program has to read the file; None = those of report files.
    """

    render: Callable[[RunStats, tuple[str, ...] | None, Background], Iterable[bytes]]
    has_exit_code: bool = True
    file_mode: int | None = None


#: In the order of writing: JSON last, since its presence marks the end of the run and its exit code has to be final.
FORMATS: dict[str, SummaryFormat] = {
    "csv": SummaryFormat(csv_summary.render, has_exit_code=False),
    "html": SummaryFormat(html.render),
    "prometheus": SummaryFormat(prometheus.render, file_mode=0o644),
    "json": SummaryFormat(json_summary.render),
}
