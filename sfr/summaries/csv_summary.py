"""The summary as CSV: one row for each report, UTF-8, comma, quoted only where needed.

It is meant for spreadsheets: formulas are marked as text, and invisible characters are escaped. The JSON summary has
the exact values.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from sfr.escaping.invisible import escape_invisible
from sfr.escaping.spreadsheet import escape_formulas
from sfr.results import RunStats
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
    """The value with invisible characters escaped; numbers stay numbers."""
    return escaped(escape_invisible(value)) if isinstance(value, str) else value


def escaped(value: Value) -> Value:
    """The value with a single quote before whatever a spreadsheet would take for a formula; numbers stay numbers."""
    return escape_formulas(value) if isinstance(value, str) else value
