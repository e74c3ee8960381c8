"""The one mapping from a column's name to its value, for every format of the summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sfr.model import ReportStats

#: What a cell may hold: text, a number, True or False, and None for unknown.
Value = str | int | float | bool | None

MEGABYTE = 1_048_576
#: Digits after the point of durations in seconds.
DURATION_DIGITS = 3


def iso_time(time: datetime | None) -> str | None:
    """ISO 8601 with the offset of the machine's time zone, in milliseconds; None stays None."""
    return None if time is None else time.astimezone().isoformat(timespec="milliseconds")


def _megabytes(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else round(size_bytes / MEGABYTE, 1)


def _seconds(duration_s: float | None) -> float | None:
    return None if duration_s is None else round(duration_s, DURATION_DIGITS)


COLUMNS: dict[str, Callable[[ReportStats], Value]] = {
    # The original's, by their old meaning: the file's name is the report list's, without ending.
    "file_name": lambda stats: stats.report.name,
    "report_id": lambda stats: stats.report.report_id,
    "type": lambda stats: stats.report.report_type,
    "valid": lambda stats: stats.is_valid,
    "created_date": lambda stats: iso_time(stats.created_at),
    "pull_date": lambda stats: iso_time(stats.pulled_at),
    "processing_time": lambda stats: _seconds(stats.processing_time_s),
    "attempt_count": lambda stats: stats.attempt_count,
    "file_size": lambda stats: _megabytes(stats.size_bytes),
    # SFR's own.
    "status": lambda stats: stats.status.value,
    "error": lambda stats: None if stats.error is None else stats.error.value,
    "rows": lambda stats: stats.rows,
    "columns": lambda stats: stats.columns,
    "size_bytes": lambda stats: stats.size_bytes,
    "sha256": lambda stats: stats.sha256,
    "path": lambda stats: stats.report.path,
    "route": lambda stats: stats.route,
    "http_status": lambda stats: stats.http_status,
    "message": lambda stats: stats.message or None,
}

COLUMN_NAMES = tuple(COLUMNS)


def chosen(columns: Iterable[str] | None) -> tuple[str, ...]:
    """The columns asked for, or all; a name that there is not raises KeyError (the configuration has checked them)."""
    names = COLUMN_NAMES if columns is None else tuple(columns)
    for name in names:
        COLUMNS[name]
    return names


def row(stats: ReportStats, columns: Iterable[str]) -> dict[str, Value]:
    """The report's values by column, in the order given."""
    return {name: COLUMNS[name](stats) for name in columns}
