"""The columns of the summary and their values, for all formats."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Any

from sfr.results import ReportStats

#: The value of a cell: text, a number or a boolean; None for unknown.
Value = str | int | float | bool | None

#: Attributes of `ReportStats`. The first nine are the original SFR's, with their old meaning.
COLUMN_NAMES = (
    "file_name",
    "report_id",
    "type",
    "valid",
    "created_date",
    "pull_date",
    "processing_time",
    "attempt_count",
    "file_size",
    "status",
    "error",
    "rows",
    "columns",
    "size_bytes",
    "sha256",
    "path",
    "route",
    "http_status",
    "message",
    "delivered",
)


def chosen(columns: Iterable[str] | None) -> tuple[str, ...]:
    """The selected columns (validated with the configuration), or all."""
    return COLUMN_NAMES if columns is None else tuple(columns)


def row(stats: ReportStats, columns: Iterable[str]) -> dict[str, Value]:
    """The report's values by column, in the given order; an empty message is None."""
    return {name: _value(name, getattr(stats, name)) for name in columns}


def _value(name: str, value: Any) -> Value:
    if isinstance(value, Enum):
        return str(value.value)
    return (value or None) if name == "message" else value
