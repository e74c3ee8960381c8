"""The summary as CSV: one row for each report, UTF-8, comma, quoted only where needed.

People open it in spreadsheets: what these would run is marked as text, and invisible characters are escaped. The JSON
summary has the exact values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from sfr.escaping.invisible import escape_invisible
from sfr.escaping.spreadsheet import harmless_cell
from sfr.model import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, chosen, row


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:  # noqa: ARG001 - registry
    """The CSV file; unknown values are empty cells."""
    names = chosen(columns)
    yield _line(names)
    for stats in run.reports:
        yield _line([_shown(value) for value in row(stats, names).values()])


def _line(cells: Sequence[Value]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _shown(value: Value) -> Value:
    """The value as a person sees it in a spreadsheet; numbers stay numbers."""
    return harmless(escape_invisible(value)) if isinstance(value, str) else value


def harmless(value: Value) -> Value:
    """The value; what a spreadsheet would run as a formula has a single quote before it. Numbers stay numbers."""
    return harmless_cell(value) if isinstance(value, str) else value
