"""Writes a run into the history while it is in progress, so that a killed run keeps its finished reports."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.history.file import BUSY, LOCKED, has_cheap_commits, result_code
from sfr.history.rows import ended_row, header_labels, planned_row
from sfr.model import Report
from sfr.results import ReportStats, RunStats

if TYPE_CHECKING:
    import sqlite3

#: Minimum interval between commits, if a commit has to sync the disk.
COMMIT_INTERVAL_S = 1.0
#: How long to wait before the next attempt after another program had locked the database.
RETRY_INTERVAL_S = 5.0


class Recording:
    """The run being recorded. Raises errors of the database, except when another program has locked it: then records
    stay pending.
    """

    def __init__(self, database: sqlite3.Connection, number: int, reports: Sequence[Report]) -> None:
        #: The run's number in the history; later runs have greater numbers.
        self.number = number
        self._database = database
        self._interval_s = 0.0 if has_cheap_commits(database) else COMMIT_INTERVAL_S
        self._not_before_s = 0.0
        self._pending: list[ReportStats] = []
        #: By position: 1 once the report's result is written or pending. Of constant size.
        self._is_recorded = bytearray(max((report.position for report in reports), default=-1) + 1)

    @classmethod
    def begin(
        cls, database: sqlite3.Connection, run_id: str, started_at: datetime, reports: Sequence[Report]
    ) -> Recording:
        """Write the run and its reports, all of them unfinished, and commit."""
        with Transaction(database):
            cursor = database.execute(
                "INSERT OR REPLACE INTO runs (run_id, started_at) VALUES (?, ?)", (run_id, started_at.timestamp())
            )
            number = cursor.lastrowid or 0
            _insert(database, [planned_row(number, report) for report in reports])
        return cls(database, number, reports)

    def add(self, stats: ReportStats) -> None:
        """Keep the result of a report until the next commit."""
        self._pending.append(stats)
        self._is_recorded[stats.report.position] = 1

    def commit_due(self) -> None:
        """Write pending records, unless the last commit was too short a time ago."""
        if self._pending and (now_s := time.monotonic()) >= self._not_before_s:
            self.flush(now_s)

    def flush(self, now_s: float | None = None) -> None:
        """Write pending records, unless another program has locked the database."""
        import sqlite3

        if not self._pending:
            return
        now_s = time.monotonic() if now_s is None else now_s
        try:
            with Transaction(self._database):
                self._write(self._pending)
        except sqlite3.OperationalError as error:
            if result_code(error) not in (BUSY, LOCKED):
                raise
            self._not_before_s = now_s + RETRY_INTERVAL_S
            return
        self._pending.clear()
        self._not_before_s = now_s + self._interval_s

    def end(self, run: RunStats) -> None:
        """Write the end of the run and all results that are not written yet."""
        if not all(self._is_recorded):
            self._pending += [stats for stats in run.reports if not self._is_recorded[stats.report.position]]
        with Transaction(self._database):
            self._write(self._pending)
            self._database.execute(
                "UPDATE runs SET finished_at = ?, duration_s = ?, exit_code = ?, domain = ?, version = ?, threads = ?, "
                "workers = ?, retries = ?, worker_deaths = ?, is_partial = ? WHERE number = ?",
                (
                    run.finished_at.timestamp(),
                    run.duration_s,
                    int(run.exit_code),
                    run.domain,
                    run.version,
                    run.threads,
                    run.workers,
                    run.retries,
                    run.worker_deaths,
                    run.is_partial,
                    self.number,
                ),
            )
        self._pending.clear()

    def _write(self, reports: Sequence[ReportStats]) -> None:
        labels = [header_labels(stats) for stats in reports]
        self._database.executemany(
            "INSERT OR IGNORE INTO headers (labels) VALUES (?)", [(each,) for each in labels if each is not None]
        )
        rows = [ended_row(self.number, stats) | {"labels": each} for stats, each in zip(reports, labels, strict=True)]
        _insert(self._database, rows)


def _insert(database: sqlite3.Connection, rows: Sequence[dict[str, object]]) -> None:
    if not rows:
        return
    names = [name for name in rows[0] if name != "labels"]
    values = [f":{name}" for name in names]
    if "labels" in rows[0]:
        names.append("header")
        values.append("(SELECT number FROM headers WHERE labels = :labels)")
    # Only names of our own columns are inserted into the statement.
    statement = f"INSERT OR REPLACE INTO reports ({', '.join(names)}) VALUES ({', '.join(values)})"  # noqa: S608 - see above
    database.executemany(statement, rows)


class Transaction:
    """A transaction that starts with the write lock."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def __enter__(self) -> None:
        self._database.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        import sqlite3

        if kind is None:
            self._database.execute("COMMIT")
            return
        try:
            self._database.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # SQLite has rolled back itself; the original error is more useful
