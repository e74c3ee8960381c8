"""The summary as CSV: one row for each report, UTF-8, comma, quoted only where needed.

It is meant for spreadsheets: formulas are marked as text, and invisible characters are escaped. The JSON summary has
the exact values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from sfr.escaping.invisible import escape_invisible
from sfr.escaping.spreadsheet import escape_formulas
from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, chosen, row


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:  # noqa: ARG001 - registry
    """The CSV file; unknown values are empty cells."""
    names = chosen(columns)
    yield csv_line(names)
    for stats in run.reports:
        yield csv_line(row(stats, names).values())


def csv_line(cells: Iterable[Value]) -> bytes:
    """One row, with invisible characters escaped and formulas marked as text; unknown values are empty cells."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow([_shown(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _shown(value: Value) -> Value:
    """The value with invisible characters escaped; numbers stay numbers."""
    return escaped(escape_invisible(value)) if isinstance(value, str) else value


def escaped(value: Value) -> Value:
    """The value with a single quote before whatever a spreadsheet would take for a formula; numbers stay numbers."""
    return escape_formulas(value) if isinstance(value, str) else value
