"""The values that travel between threads and processes: frozen, slotted, picklable, without a secret in them.

    Report ──► Payload ──► ReportStats ──► RunStats
    (asked)    (received)  (how it ended)  (the fold)

Times named `*_at` are wall-clock datetimes with an offset; times named `*_clock_s` are `time.monotonic()`
readings, which on Linux agree between processes; durations end in `_s`, sizes in `_bytes`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sfr.errors import RETRIED_KINDS, ErrorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Status(StrEnum):
    """The `status` column of the summary."""

    SAVED = "saved"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Guards:
    """What must hold of a new report before it replaces the old one; None switches a guard off."""

    min_rows: int | None = None
    #: Largest allowed fall of the row count against the last good run, in percent.
    max_drop_pct: float | None = None
    #: `any`, or `same`: the header must be the last good run's.
    columns: str = "any"
    #: `true`, `false` or `warn`.
    may_be_empty: str = "warn"


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the report list, checked and filled in: what to fetch and where to put it."""

    #: Place in the list, from 0; identifies the report within a run.
    position: int
    #: `SFDC` (a report) or `SOQL` (a Bulk API 2.0 query).
    report_type: str
    #: File name without ending, dates filled in.
    name: str
    #: 18 characters; empty for SOQL.
    report_id: str
    #: Absolute path of the directory.
    directory: str
    #: Query string of the classic export with its `?`; empty for SOQL.
    export_params: str
    format: str = "csv"
    #: `auto`, `classic` or `analytics`.
    route: str = "auto"
    #: `required` or `optional`.
    footer: str = "required"
    #: Python codec of the export's `enc`.
    encoding: str = "utf-8"
    guards: Guards = field(default=Guards())
    soql: str = ""
    #: The name as the list has it, dates not filled in: what history knows the report by.
    name_template: str = ""

    @property
    def path(self) -> str:
        """Absolute path of the report file."""
        return f"{self.directory.rstrip('/')}/{self.name}.{self.format}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The last good run of a report, as history tells it: what guards compare with, and what scheduling expects."""

    rows: int | None
    header: tuple[str, ...] | None
    route: str | None
    received_bytes: int | None
    size_bytes: int | None
    #: Request sent to file in place.
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class FetchTimes:
    """When what happened to a report in the main process."""

    #: When the first request of the first attempt left.
    first_request_at: datetime
    first_request_clock_s: float
    #: The attempt that brought the payload: request sent, first byte of the answer, last byte.
    request_clock_s: float
    first_byte_clock_s: float
    received_clock_s: float
    #: Number of the fetch thread, from 0.
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Payload:
    """A response body as received (still encoded as `content_encoding` says), on its way to a worker.

    Exactly one of `body` (small) and `spool_path` (a file in the report's directory) is set.
    """

    #: Unique within the run.
    number: int
    report: Report
    #: Which attempt brought it, from 1.
    attempt: int
    times: FetchTimes
    #: As received, before decoding.
    received_bytes: int
    body: bytes | None = None
    spool_path: str | None = None
    #: `identity` or `gzip`.
    content_encoding: str = "identity"
    #: True if Content-Length or chunked framing proved that the body's end arrived.
    is_framed: bool = True
    #: True for an answer that is a CSV by its Content-Type or Content-Disposition.
    is_declared_csv: bool = True
    http_status: int = 200
    #: The route that brought it: `classic`, `analytics` or `bulk`.
    route: str = "classic"
    #: True for a classic export, whose completeness its footer proves; False for CSV that SFR assembled page by
    #: page from an API that says itself when all rows have been sent.
    has_footer: bool = True
    #: What guards compare with; None on a first run.
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class ReportStats:
    """How one report ended: a row of the summary, and the times behind the HTML summary's timeline."""

    report: Report
    status: Status
    error: ErrorKind | None = None
    #: For the user: what happened and what to do; may be set for a saved report too (a warning).
    message: str = ""
    attempt_count: int = 0
    #: When the first request left; None if none did.
    created_at: datetime | None = None
    #: When the file was in place, or found unchanged; None if it was not.
    pulled_at: datetime | None = None
    processing_time_s: float | None = None
    rows: int | None = None
    columns: int | None = None
    #: Of the file at `report.path` as it is on disk.
    size_bytes: int | None = None
    sha256: str | None = None
    route: str | None = None
    #: Of the last answer.
    http_status: int | None = None
    #: Column labels of the header; None where unknown, and in a run's stats: only the history keeps them.
    header: tuple[str, ...] | None = None
    times: FetchTimes | None = None
    #: When a worker took the payload, and when it was done with it.
    taken_clock_s: float | None = None
    done_clock_s: float | None = None
    #: As received over the network, before decoding.
    received_bytes: int | None = None

    @property
    def is_valid(self) -> bool:
        """The summary's `valid`: True for all but failed."""
        return self.status is not Status.FAILED

    @property
    def is_retryable(self) -> bool:
        """Whether another attempt may end better. A report whose rows were counted is whole: its failure is final."""
        return self.error in RETRIED_KINDS and self.rows is None


@dataclass(frozen=True, slots=True)
class Totals:
    """What all reports of a run come to."""

    by_status: Mapping[Status, int]
    #: Of valid reports whose count is known.
    rows: int
    #: Of valid report files.
    size_bytes: int
    #: As received over the network, failed reports included.
    received_bytes: int

    @classmethod
    def of(cls, reports: Iterable[ReportStats]) -> Totals:
        """Reckon them in one pass."""
        counts = dict.fromkeys(Status, 0)
        rows = size_bytes = received_bytes = 0
        for stats in reports:
            counts[stats.status] += 1
            received_bytes += stats.received_bytes or 0
            if stats.is_valid:
                rows += stats.rows or 0
                size_bytes += stats.size_bytes or 0
        return cls(counts, rows, size_bytes, received_bytes)


@dataclass(frozen=True, slots=True)
class RunStats:
    """How a run ended: the fold of all reports, and the run's own facts."""

    run_id: str
    started_at: datetime
    finished_at: datetime
    duration_s: float
    exit_code: int
    domain: str
    version: str
    threads: int
    workers: int
    #: In list order. In a run's own stats each is made anew whenever it is looked at.
    reports: Sequence[ReportStats]
    #: `time.monotonic()` at the start, to place the reports' clock readings.
    started_clock_s: float = 0.0
    retries: int = 0
    worker_deaths: int = 0
    #: Facts about the run that concern no single report (a warning at log-in, a summary that could not be written).
    notes: tuple[str, ...] = ()
    #: Follows from the reports.
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", Totals.of(self.reports))

    def count(self, status: Status) -> int:
        """How many reports ended so."""
        return self.totals.by_status[status]

    @property
    def rows(self) -> int:
        """Rows of all valid reports whose count is known."""
        return self.totals.rows

    @property
    def size_bytes(self) -> int:
        """Size of all valid report files."""
        return self.totals.size_bytes
