"""The summary as CSV: one row for each report, UTF-8, comma, quoted only where needed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from sfr.results import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, chosen, row

#: A cell that begins so is a formula to a spreadsheet (CWE-1236).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> Iterator[bytes]:  # noqa: ARG001 - registry
    """The CSV file; unknown values are empty cells."""
    names = chosen(columns)
    yield _line(names)
    for stats in run.reports:
        yield _line([harmless(value) for value in row(stats, names).values()])


def _line(cells: Sequence[Value]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")


def harmless(value: Value) -> Value:
    """The value; text that a spreadsheet would run as a formula has a single quote before it. Numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
