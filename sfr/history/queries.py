"""SQL queries on the history. Queries per report use an index: 20,000 of them take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sfr.errors import ErrorKind
from sfr.history.past import PastReport, PastRun
from sfr.history.rows import Row, baseline, checked, past_report, past_run, report_stats, time_of
from sfr.history.schema import GOOD, same_query, same_row, series
from sfr.model import Baseline, Report, Status
from sfr.results import ReportStats

if TYPE_CHECKING:
    import sqlite3

_REPORT = "SELECT reports.*, labels FROM reports LEFT JOIN headers ON headers.number = header"
_PAST = "SELECT reports.*, run_id, started_at FROM reports JOIN runs ON runs.number = run"


class HistoryQueries:
    """Queries on an open database. `run`: number of the current run, which is excluded."""

    def __init__(self, database: sqlite3.Connection, run: int | None = None) -> None:
        self._database = database
        self._run = -1 if run is None else run

    def baseline(self, report: Report, *, include_similar: bool) -> Baseline | None:
        """The last good run with the same parameters and directory, or else (`include_similar`) with any."""
        order = f"AND run != ? AND {GOOD} ORDER BY run DESC LIMIT 1"
        row = self._first(f"{_REPORT} WHERE same_query = ? {order}", (same_query(report), self._run))
        if row is None and include_similar:
            row = self._first(f"{_REPORT} WHERE series = ? {order}", (series(report), self._run))
        return None if row is None else baseline(row)

    def latest(self, report: Report) -> tuple[float, ReportStats] | None:
        """Start (seconds since the epoch) and result of the latest run with this row; None if it has no file."""
        row = self._first(
            f"{_REPORT} WHERE same_row = ? AND run != ? ORDER BY run DESC LIMIT 1", (same_row(report), self._run)
        )
        if row is None or not _has_file(row):
            return None
        run = self._first("SELECT started_at FROM runs WHERE number = ?", (row["run"],))
        return None if run is None else (run["started_at"], report_stats(report, row))

    def last_fetched(self, report: Report) -> ReportStats | None:
        """The result of the last run that fetched this row and put its file in place, or found it unchanged."""
        row = self._first(
            f"{_REPORT} WHERE same_row = ? AND run != ? AND {GOOD} ORDER BY run DESC LIMIT 1",
            (same_row(report), self._run),
        )
        return None if row is None else report_stats(report, row)

    def trend(self, report: Report, limit: int, *, include_similar: bool) -> tuple[PastReport, ...]:
        """The last runs that tried the report, oldest first."""
        rows = self._all(
            f"{_PAST} WHERE series = ? AND run != ? AND (? OR same_query = ?) AND status != 'skipped' "
            "ORDER BY run DESC LIMIT ?",
            (series(report), self._run, include_similar, same_query(report), limit),
        )
        return tuple(past_report(row) for row in rows)[::-1]

    def recent(self, name: str, limit: int) -> tuple[PastReport, ...]:
        """The last runs of reports whose name (dates filled in or not) or id is this or matches it, newest first."""
        rows = self._all(
            f"{_PAST} WHERE name = :name OR name_template = :name OR name GLOB :name OR report_id GLOB :name "
            "OR (length(:name) = 15 AND substr(report_id, 1, 15) = :name) ORDER BY run DESC, position LIMIT :limit",
            {"name": name, "limit": limit},
        )
        return tuple(past_report(row) for row in rows)

    def names(self) -> tuple[str, ...]:
        """The names of all reports, dates not filled in."""
        return tuple(row["name_template"] for row in self._all("SELECT DISTINCT name_template FROM reports", ()))

    def runs(self, limit: int) -> tuple[PastRun, ...]:
        """The last runs with the counts of their reports, newest first."""
        rows = self._all(
            "SELECT last.*, count(position) AS total, sum(status = 'saved') AS saved, "
            "sum(status = 'unchanged') AS unchanged, sum(status = 'skipped') AS skipped, "
            "sum(status = 'failed') AS failed, sum(CASE WHEN status != 'failed' THEN rows END) AS rows, "
            "sum(CASE WHEN status != 'failed' THEN size_bytes END) AS size_bytes "
            "FROM (SELECT * FROM runs ORDER BY number DESC LIMIT ?) AS last LEFT JOIN reports ON run = last.number "
            "GROUP BY last.number ORDER BY last.number DESC",
            (limit,),
        )
        return tuple(past_run(row) for row in rows)

    def last_success_at(self) -> datetime | None:
        """When the last run of a whole list with exit code 0 finished."""
        row = self._first(
            "SELECT finished_at FROM runs WHERE exit_code = 0 AND NOT is_partial AND number != ? "
            "ORDER BY number DESC LIMIT 1",
            (self._run,),
        )
        return None if row is None else time_of(row["finished_at"])

    def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
        """Path and size, by the latest run that wrote it, of every file of the report; newest first."""
        rows = self._all(
            f"SELECT path, size_bytes, max(run) AS latest FROM reports WHERE series = ? AND {GOOD} "  # noqa: S608 - our own
            "GROUP BY path ORDER BY latest DESC",
            (series(report),),
        )
        return tuple((row["path"], row["size_bytes"]) for row in rows)

    def prune(self, keep_runs: int) -> None:
        """Delete all but the last runs, and headers that are no longer referenced."""
        deleted = self._database.execute(
            "DELETE FROM runs WHERE number NOT IN (SELECT number FROM runs ORDER BY number DESC LIMIT ?)", (keep_runs,)
        ).rowcount
        if deleted > 0:
            self._database.execute(
                "DELETE FROM headers WHERE number NOT IN (SELECT header FROM reports WHERE header IS NOT NULL)"
            )

    def _all(self, query: str, values: Any) -> Iterator[Row]:
        return map(checked, self._database.execute(query, values))

    def _first(self, query: str, values: Any) -> Row | None:
        return next(self._all(query, values), None)


def _has_file(row: Row) -> bool:
    """Whether the report's file is proved and in place: that of a failed delivery too."""
    return row["status"] in (Status.SAVED, Status.UNCHANGED, Status.SKIPPED) or row["error"] == ErrorKind.DELIVERY
