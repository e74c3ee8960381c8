"""Records runs and answers queries about earlier ones: for guards, scheduling, `--resume`, `--history`, retention.

Never a reason for a run to fail: on a database error it logs one warning and then behaves as if it were empty. Holds no
secrets (messages are masked by the caller). Used by one thread at a time.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from sfr.history.deliveries import DeliveredContent, DeliveryRecords
from sfr.history.file import close_database, open_database
from sfr.history.past import PastReport, PastRun
from sfr.history.queries import HistoryQueries
from sfr.history.recording import Recording
from sfr.history.schema import series
from sfr.model import Baseline, Report
from sfr.results import ReportStats, RunStats

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

T = TypeVar("T")

#: A run that started this much in the future dates from before the clock was set; see `resumable`.
CLOCK_TOLERANCE_S = 300.0
#: Maximum number of reports with trends.
MAX_TRENDS = 500


class History:
    """The open history; a context manager. No method raises an error of the database."""

    def __init__(self, path: str, database: sqlite3.Connection | None) -> None:
        self._path = path
        self._database = database
        self._recording: Recording | None = None
        self._deliveries: DeliveryRecords | None = None
        #: How many rows of this run's list have the same report (with different parameters or directory).
        self._duplicates: Counter[bytes] = Counter()

    @classmethod
    def open(cls, path: str, *, read_only: bool = False) -> History:
        """Open the history, created if missing unless `read_only`. If that fails, it warns and behaves as empty."""
        return cls(path, open_database(path, read_only=read_only))

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write pending records and close the file; may be called twice."""
        if self._recording is not None:
            self._try(lambda _: self._flush(), None)
        database, self._database = self._database, None
        if database is not None:
            close_database(database)

    def discard(self) -> None:
        """Close the file without writing pending records: it is another run's now."""
        database, self._database = self._database, None
        self._recording = self._deliveries = None
        if database is not None:
            close_database(database)

    # Recording this run

    def begin(self, run_id: str, started_at: datetime, reports: Sequence[Report]) -> None:
        """Record the start of a run and its reports, all of them unfinished so far."""
        self._duplicates = Counter(map(series, reports))
        self._recording = self._try(lambda database: Recording.begin(database, run_id, started_at, reports), None)
        if self._database is not None and self._recording is not None:
            self._deliveries = DeliveryRecords(self._database, self._recording.number)

    def record_report(self, stats: ReportStats) -> None:
        """Record the result of a report, with the next commit."""
        if self._recording is not None:
            self._recording.add(stats)

    def commit_due(self) -> None:
        """Write what was recorded, so that it is kept if the run is killed: at once, or a second after the last time.

        Called often. Each call of SQLite yields to other threads, so that results are written together.
        """
        recording = self._recording
        if recording is not None:
            self._try(lambda _: recording.commit_due(), None)

    def begin_delivery(self, content: DeliveredContent) -> None:
        """Forget what a target holds: it is about to be replaced."""
        self._try_deliveries(lambda records: records.begin(content), None)

    def end_delivery(self, content: DeliveredContent, sha256: str) -> None:
        """Record what a target holds now."""
        self._try_deliveries(lambda records: records.end(content, sha256), None)

    def is_delivered(self, content: DeliveredContent, sha256: str) -> bool:
        """Whether a target holds this content, according to the last delivery. Only while a run is recorded."""
        return self._try_deliveries(lambda records: records.has(content, sha256), default=False)

    def end(self, run: RunStats) -> None:
        """Record the end of the run, and the results of its reports that are not recorded yet.

        From then on it counts as an earlier run.
        """
        recording = self._recording
        if recording is not None:
            self._try(lambda _: recording.end(run), None)
        self._try_deliveries(lambda records: records.flush(), None)
        self._recording = self._deliveries = None
        self._duplicates.clear()

    def prune(self, keep_runs: int) -> None:
        """Delete all but the last `keep_runs` runs."""
        self._try(lambda database: HistoryQueries(database).prune(keep_runs), None)

    # Queries about earlier runs; the current run is never included

    def baselines(self, reports: Iterable[Report]) -> dict[int, Baseline]:
        """The last good run of each report that has one, by the report's position."""
        found = {report.position: self.baseline(report) for report in reports}
        return {position: known for position, known in found.items() if known is not None}

    def baseline(self, report: Report) -> Baseline | None:
        """The last good run of the same report: same id (or query), name as in the list, format.

        Preferably with the same parameters and directory; else with others (they may contain dates), unless this
        run's list has the report more than once, which would be ambiguous.
        """
        is_unique = self._duplicates[series(report)] <= 1
        return self._query(lambda queries: queries.baseline(report, include_similar=is_unique), None)

    def resumable(self, report: Report, now: datetime, max_age_h: float) -> ReportStats | None:
        """The result of the report in the latest run with exactly this row, if it need not be fetched again.

        None if that run started more than `max_age_h` hours ago, or did not fetch the report. Does not check that
        the file still exists.
        """
        found = self._query(lambda queries: queries.latest(report), None)
        if found is None:
            return None
        started_s, stats = found
        age_s = now.timestamp() - started_s
        return stats if -CLOCK_TOLERANCE_S <= age_s <= max_age_h * 3600 else None

    def fetched_since(self, report: Report, now: datetime, max_age_h: float) -> ReportStats | None:
        """The last good result of exactly this row, if it was fetched less than `max_age_h` hours ago.

        Runs that skipped the report do not count. Does not check that the file still exists.
        """
        stats = self._query(lambda queries: queries.last_fetched(report), None)
        if stats is None or stats.pulled_at is None:
            return None
        age_s = (now - stats.pulled_at).total_seconds()
        return stats if -CLOCK_TOLERANCE_S <= age_s < max_age_h * 3600 else None

    def trends(self, reports: Sequence[Report], limit: int = 30) -> dict[int, tuple[PastReport, ...]]:
        """The last runs of each of the first reports, oldest first, by position; without runs that skipped it."""
        found = {report.position: self._trend(report, limit) for report in reports[:MAX_TRENDS]}
        return {position: past for position, past in found.items() if past}

    def _trend(self, report: Report, limit: int) -> tuple[PastReport, ...]:
        is_unique = self._duplicates[series(report)] <= 1
        return self._query(lambda queries: queries.trend(report, limit, include_similar=is_unique), ())

    def runs(self, limit: int) -> tuple[PastRun, ...]:
        """The last runs, newest first."""
        return self._query(lambda queries: queries.runs(limit), ())

    def recent(self, name: str, limit: int) -> tuple[PastReport, ...]:
        """The last runs of reports with this name (dates filled in or not), id or pattern; newest first."""
        return self._query(lambda queries: queries.recent(name, limit), ())

    def names(self) -> tuple[str, ...]:
        """The names of all reports, as in the list (dates not filled in)."""
        return self._query(lambda queries: queries.names(), ())

    def last_success_at(self) -> datetime | None:
        """When the last run of a whole list with exit code 0 finished."""
        return self._query(lambda queries: queries.last_success_at(), None)

    def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
        """Path and size of every file that runs, this one included, wrote for the report; newest first."""
        self._try(lambda _: self._flush(), None)
        return self._query(lambda queries: queries.files(report), ())

    def _flush(self) -> None:
        if self._recording is not None:
            self._recording.flush()

    def _try_deliveries(self, action: Callable[[DeliveryRecords], T], default: T) -> T:
        records = self._deliveries
        return default if records is None else self._try(lambda _: action(records), default)

    def _query(self, query: Callable[[HistoryQueries], T], default: T) -> T:
        run = None if self._recording is None else self._recording.number
        return self._try(lambda database: query(HistoryQueries(database, run)), default)

    def _try(self, action: Callable[[sqlite3.Connection], T], default: T) -> T:
        """Run an action on the database; after the first error, warn and stop using the database."""
        if self._database is None:
            return default
        import sqlite3

        try:
            return action(self._database)
        except (sqlite3.Error, ValueError, LookupError, OverflowError, OSError) as error:
            log.warning("The history %s failed (%s); continuing without it.", self._path, error)
            database, self._database, self._recording, self._deliveries = self._database, None, None, None
            close_database(database)
            return default
