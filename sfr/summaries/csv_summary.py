"""The summary as CSV: one row for each report, UTF-8, comma, quoted only where needed."""

from __future__ import annotations

import csv
import io

from sfr.model import RunStats
from sfr.summaries.background import Background
from sfr.summaries.columns import Value, chosen, row

#: A cell that begins so is a formula to a spreadsheet (CWE-1236).
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def render(run: RunStats, columns: tuple[str, ...] | None, background: Background) -> bytes:  # noqa: ARG001 - registry
    """The CSV file's bytes; unknown values are empty cells."""
    names = chosen(columns)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([harmless(value) for value in row(stats, names).values()] for stats in run.reports)
    return text.getvalue().encode("utf-8", "backslashreplace")


def harmless(value: Value) -> Value:
    """The value; text that a spreadsheet would run as a formula has a single quote before it. Numbers stay numbers."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
