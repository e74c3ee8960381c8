"""The formats of the summary: a new one is one new file beside this and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sfr.results import RunStats
from sfr.summaries import csv_summary, html, json_summary, prometheus
from sfr.summaries.background import Background


@dataclass(frozen=True, slots=True)
class SummaryFormat:
    """How a format is made.

    render: the file's bytes in blocks, of the run (secrets masked), the columns chosen (None = all) and what lies
    behind. A run may have tens of thousands of reports: one is made after the other.
    tells_exit_code: False if the file says nothing of the run's exit code.
    file_mode: permissions where the reader is another user's program; None = those of the report files.
    """

    render: Callable[[RunStats, tuple[str, ...] | None, Background], Iterable[bytes]]
    tells_exit_code: bool = True
    file_mode: int | None = None


#: In the order of writing: the JSON last, since its presence says that the run has ended, and its exit code is true.
FORMATS: dict[str, SummaryFormat] = {
    "csv": SummaryFormat(csv_summary.render, tells_exit_code=False),
    "html": SummaryFormat(html.render),
    "prometheus": SummaryFormat(prometheus.render, file_mode=0o644),
    "json": SummaryFormat(json_summary.render),
}
