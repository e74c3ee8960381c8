"""Converts between rows of the history's tables and SFR's values. Runs no queries."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sfr.errors import ErrorKind
from sfr.history.past import PastReport, PastRun
from sfr.history.schema import same_query, same_row, series
from sfr.model import Baseline, Report, Status
from sfr.results import ReportStats

#: A row as sqlite3.Row gives it.
Row = Mapping[str, Any]

_TEXTS = frozenset({"run_id", "domain", "version", "name", "name_template", "report_id", "path", "message", "filters"})
_TEXTS_OR_NULL = frozenset({"status", "error", "sha256", "route", "labels"})
_DIGESTS = frozenset({"series", "same_query", "same_row", "destination"})


def checked(row: Row) -> Row:
    """Return the row. Raises ValueError if a value does not have the type of its column: the database is damaged."""
    for name in row.keys():  # noqa: SIM118 - iterating over a sqlite3.Row gives its values
        value = row[name]
        if name in _TEXTS:
            is_valid = isinstance(value, str)
        elif name in _TEXTS_OR_NULL:
            is_valid = value is None or isinstance(value, str)
        else:
            is_valid = value is None or name in _DIGESTS or (isinstance(value, int | float) and math.isfinite(value))
        if not is_valid:
            raise ValueError(f"`{name}` is {value!r:.50}; the database is damaged")
    return row


def planned_row(run: int, report: Report) -> dict[str, object]:
    """The row of a report that a run is about to fetch, without a status."""
    return {
        "run": run,
        "position": report.position,
        "series": series(report),
        "same_query": same_query(report),
        "same_row": same_row(report),
        "name": _storable(report.name),
        "name_template": _storable(report.name_template or report.name),
        "report_id": report.report_id,
        "path": _storable(report.path),
        "filters": _storable(report.filters),
    }


def ended_row(run: int, stats: ReportStats) -> dict[str, object]:
    """The row of a finished report; its header is stored separately (see `header_labels`)."""
    phases = stats.phases
    waited_s = loaded_s = written_s = None
    if phases is not None:
        waited_s = phases.first_byte_s - phases.request_s
        loaded_s = phases.received_s - phases.first_byte_s
        if phases.done_s is not None and phases.taken_s is not None:
            written_s = phases.done_s - phases.taken_s
    return {
        **planned_row(run, stats.report),
        "status": stats.status.value,
        "error": None if stats.error is None else stats.error.value,
        "message": _storable(stats.message),
        "attempt_count": stats.attempt_count,
        "created_at": _epoch(stats.created_at),
        "pulled_at": _epoch(stats.pulled_at),
        "duration_s": stats.processing_time_s,
        "rows": stats.rows,
        "columns": stats.columns,
        "size_bytes": stats.size_bytes,
        "sha256": stats.sha256,
        "route": stats.route,
        "http_status": stats.http_status,
        "received_bytes": stats.received_bytes,
        "waited_s": waited_s,
        "loaded_s": loaded_s,
        "written_s": written_s,
    }


def header_labels(stats: ReportStats) -> str | None:
    """The header in the stored form; None if unknown."""
    return None if stats.header is None else _storable(json.dumps(stats.header, ensure_ascii=False))


def baseline(row: Row) -> Baseline:
    """The facts about the last good run that guards and scheduling use."""
    return Baseline(
        rows=row["rows"],
        header=_header(row["labels"]),
        route=row["route"],
        received_bytes=row["received_bytes"],
        size_bytes=row["size_bytes"],
        duration_s=row["duration_s"],
    )


def report_stats(report: Report, row: Row) -> ReportStats:
    """The result of the report in that run, without phases, which are not stored."""
    return ReportStats(
        report=report,
        status=Status(row["status"]),
        message=row["message"],
        attempt_count=row["attempt_count"],
        created_at=time_of(row["created_at"]),
        pulled_at=time_of(row["pulled_at"]),
        processing_time_s=row["duration_s"],
        rows=row["rows"],
        columns=row["columns"],
        size_bytes=row["size_bytes"],
        sha256=row["sha256"],
        route=row["route"],
        http_status=row["http_status"],
        header=_header(row["labels"]),
        received_bytes=row["received_bytes"],
    )


def past_report(row: Row) -> PastReport:
    """A report of an earlier run, for tables and charts. Statuses and errors unknown to this SFR become None."""
    return PastReport(
        run_id=row["run_id"],
        started_at=time_of(row["started_at"]) or datetime.fromtimestamp(0, UTC),
        name=row["name"],
        report_id=row["report_id"],
        path=row["path"],
        status=Status(row["status"]) if row["status"] in set(Status) else None,
        error=ErrorKind(row["error"]) if row["error"] in set(ErrorKind) else None,
        message=row["message"],
        rows=row["rows"],
        size_bytes=row["size_bytes"],
        received_bytes=row["received_bytes"],
        duration_s=row["duration_s"],
        attempt_count=row["attempt_count"],
    )


def past_run(row: Row) -> PastRun:
    """An earlier run with the counts of its reports."""
    return PastRun(
        run_id=row["run_id"],
        started_at=time_of(row["started_at"]) or datetime.fromtimestamp(0, UTC),
        duration_s=row["duration_s"],
        exit_code=row["exit_code"],
        domain=row["domain"],
        **{name: row[name] or 0 for name in ("total", "saved", "unchanged", "skipped", "failed", "rows", "size_bytes")},
    )


def time_of(epoch_s: float | None) -> datetime | None:
    """A stored time as a datetime in the machine's zone."""
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).astimezone()


def _storable(text: str) -> str:
    """SQLite accepts only UTF-8: undecodable bytes of a path become escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _epoch(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _header(labels: str | None) -> tuple[str, ...] | None:
    if labels is None:
        return None
    header = json.loads(labels)
    if not isinstance(header, list) or not all(isinstance(label, str) for label in header):
        raise ValueError(f"a header is {labels!r:.50}; the database is damaged")
    return tuple(map(sys.intern, header))
