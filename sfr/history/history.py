"""What earlier runs did, in SQLite: for guards, scheduling, `--resume`, `--history`, curves and old files.

A convenience, never a reason to fail: an error of the database costs one warning, after which the history is as good
as empty. Holds no secret (who records a message has masked it). Used by one thread at a time.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

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

#: A run that seems to have begun so long after now is one from before the clock was set; see `resumable`.
CLOCK_TOLERANCE_S = 300.0
#: Curves are fetched for so many reports.
MAX_TRENDS = 500


class History:
    """The history file, open. A context manager. Whatever happens to the file, no method raises for it."""

    def __init__(self, path: str, database: sqlite3.Connection | None) -> None:
        self._path = path
        self._database = database
        self._recording: Recording | None = None
        #: How many reports of this run's list are the same report (they differ in parameters or directory).
        self._alike: Counter[bytes] = Counter()

    @classmethod
    def open(cls, path: str, *, read_only: bool = False) -> History:
        """Open the history, made if missing unless `read_only`. One that cannot be opened is a warning, and empty."""
        return cls(path, open_database(path, read_only=read_only))

    def __enter__(self) -> History:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what waits and close the file; closing twice is harmless."""
        if self._recording is not None:
            self._try(lambda _: self._flush(), None)
        database, self._database = self._database, None
        if database is not None:
            close_database(database)

    # What this run does.

    def begin(self, run_id: str, started_at: datetime, reports: Sequence[Report]) -> None:
        """Record that a run has begun and what it is to fetch: a report it does not finish counts as not finished."""
        self._alike = Counter(map(series, reports))
        self._recording = self._try(lambda database: Recording.begin(database, run_id, started_at, reports), None)

    def record_report(self, stats: ReportStats) -> None:
        """Record at once how a report of the run that has begun ended, so that a run killed later has it."""
        recording = self._recording
        if recording is not None:
            self._try(lambda _: recording.add(stats, time.monotonic()), None)

    def end(self, run: RunStats) -> None:
        """Record how the run that has begun ended, and those of its reports that are not recorded yet.

        From then on it is an earlier run.
        """
        recording = self._recording
        if recording is not None:
            self._try(lambda _: recording.end(run), None)
        self._recording = None
        self._alike.clear()

    def prune(self, keep_runs: int) -> None:
        """Forget all but the last runs."""
        self._try(lambda database: HistoryQueries(database).prune(keep_runs), None)

    # What earlier runs did; the run that has begun never counts.

    def baselines(self, reports: Iterable[Report]) -> dict[int, Baseline]:
        """The last good run of each report that has one, by the report's position."""
        found = {report.position: self.baseline(report) for report in reports}
        return {position: known for position, known in found.items() if known is not None}

    def baseline(self, report: Report) -> Baseline | None:
        """The last good run of the same report: same id (or query), name as in the list, format.

        With the same parameters and directory, if there was one; else with others (they may hold dates), unless
        this run's list has the report more than once: then there is no telling which is which.
        """
        is_one = self._alike[series(report)] <= 1
        return self._ask(lambda queries: queries.baseline(report, include_similar=is_one), None)

    def resumable(self, report: Report, now: datetime, max_age_h: float) -> ReportStats | None:
        """How the report ended in the latest run that had this very row, if it need not be fetched again.

        None if that run began more than `max_age_h` hours ago, did not bring the report, or never came to it. Looks
        at the history only: whether the file is still there is for the caller to see.
        """
        found = self._ask(lambda queries: queries.latest(report), None)
        if found is None:
            return None
        started_s, stats = found
        age_s = now.timestamp() - started_s
        return stats if -CLOCK_TOLERANCE_S <= age_s <= max_age_h * 3600 else None

    def trends(self, reports: Sequence[Report], limit: int = 30) -> dict[int, tuple[PastReport, ...]]:
        """The last runs of each of the first reports, oldest first, by position; runs that skipped it do not count."""
        found = {report.position: self._trend(report, limit) for report in reports[:MAX_TRENDS]}
        return {position: past for position, past in found.items() if past}

    def _trend(self, report: Report, limit: int) -> tuple[PastReport, ...]:
        is_one = self._alike[series(report)] <= 1
        return self._ask(lambda queries: queries.trend(report, limit, include_similar=is_one), ())

    def runs(self, limit: int) -> tuple[PastRun, ...]:
        """The last runs, newest first."""
        return self._ask(lambda queries: queries.runs(limit), ())

    def recent(self, name: str, limit: int) -> tuple[PastReport, ...]:
        """What the last runs did for reports of this name (dates filled in or not), id or pattern; newest first."""
        return self._ask(lambda queries: queries.recent(name, limit), ())

    def last_success_at(self) -> datetime | None:
        """When the last run ended that ended with 0."""
        return self._ask(lambda queries: queries.last_success_at(), None)

    def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
        """Path and size of every file that runs, this one included, wrote for the report; newest first."""
        self._try(lambda _: self._flush(), None)
        return self._ask(lambda queries: queries.files(report), ())

    def _flush(self) -> None:
        if self._recording is not None:
            self._recording.flush()

    def _ask(self, question: Callable[[HistoryQueries], T], default: T) -> T:
        run = None if self._recording is None else self._recording.number
        return self._try(lambda database: question(HistoryQueries(database, run)), default)

    def _try(self, action: Callable[[sqlite3.Connection], T], default: T) -> T:
        """Do something with the database; its first error is a warning and the end of its use."""
        if self._database is None:
            return default
        import sqlite3

        try:
            return action(self._database)
        except (sqlite3.Error, ValueError, LookupError, OverflowError, OSError) as error:
            log.warning("The history %s fails (%s); going on without.", self._path, error)
            database, self._database, self._recording = self._database, None, None
            close_database(database)
            return default
