"""Defines the results of reports and runs: the values behind every summary, returned by `sfr.run()`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sfr.errors import ErrorKind
from sfr.model import Report, Status

MEGABYTE = 1_048_576
#: Digits after the point of durations in seconds.
DURATION_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Phases:
    """Timestamps of a report's last attempt, in seconds since the run began."""

    #: Number of the fetch thread, from 0.
    thread: int
    #: When the first request of the first attempt was sent.
    first_request_s: float
    request_s: float
    first_byte_s: float
    received_s: float
    #: When a worker took and finished the payload; None if no worker did.
    taken_s: float | None = None
    done_s: float | None = None


class DeliveryStatus(StrEnum):
    """How the delivery of a report to one destination ended."""

    DELIVERED = "delivered"
    #: The destination has this content already.
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class DeliveryStats:
    """The result of delivering a report to one destination."""

    #: Its name in the configuration.
    destination: str
    status: DeliveryStatus
    #: A percent-encoded URL without credentials.
    target: str
    duration_s: float = 0.0
    #: Why it failed, or a warning.
    message: str = ""

    def as_summary(self) -> dict[str, str | float | None]:
        """The values of the JSON summary; unknown ones are None."""
        return {
            "destination": self.destination,
            "status": self.status.value,
            "target": self.target or None,
            "seconds": round(self.duration_s, DURATION_DIGITS),
            "message": self.message or None,
        }


@dataclass(frozen=True, slots=True)
class ReportStats:
    """The result of one report: a row of the summary.

    The summary's column names are attributes with the summary's values; the times are also available as datetimes
    (`created_at`, `pulled_at`).
    """

    report: Report
    status: Status
    error: ErrorKind | None = None
    #: For the user: what happened and what to do; may be set for a saved report too (a warning).
    message: str = ""
    attempt_count: int = 0
    #: When the first request was sent; None if none was.
    created_at: datetime | None = None
    #: When the file was in place, or found unchanged; None if it was not.
    pulled_at: datetime | None = None
    processing_time_s: float | None = None
    rows: int | None = None
    columns: int | None = None
    #: Of the file at `path` on disk.
    size_bytes: int | None = None
    sha256: str | None = None
    route: str | None = None
    #: Of the last answer.
    http_status: int | None = None
    #: Column labels of the header; None if unknown, and in a run's stats: only the history keeps them.
    header: tuple[str, ...] | None = None
    #: None if no request was sent.
    phases: Phases | None = None
    #: As received over the network, before decoding.
    received_bytes: int | None = None
    #: One for each destination of the report, in the order of its list row; empty if none was due.
    delivery_stats: tuple[DeliveryStats, ...] = ()

    @property
    def name(self) -> str:
        """The report's name: its file's name without suffix."""
        return self.report.name

    @property
    def file_name(self) -> str:
        """The same as `name`."""
        return self.report.name

    @property
    def report_id(self) -> str:
        """18 characters; empty for SOQL."""
        return self.report.report_id

    @property
    def type(self) -> str:
        """`SFDC` or `SOQL`."""
        return self.report.report_type

    @property
    def path(self) -> str:
        """Absolute path of the report file."""
        return self.report.path

    @property
    def valid(self) -> bool:
        """True for all but failed."""
        return self.status is not Status.FAILED

    is_valid = valid

    @property
    def is_in_place(self) -> bool:
        """Whether the proved file is at `path`: true of failed deliveries too."""
        return self.valid or self.error is ErrorKind.DELIVERY

    @property
    def delivered(self) -> str | None:
        """The targets that have the content now, separated by blanks; None if there are none."""
        has_it = (each for each in self.delivery_stats if each.status is not DeliveryStatus.FAILED)
        return " ".join(each.target for each in has_it) or None

    @property
    def deliveries(self) -> list[dict[str, str | float | None]]:
        """The deliveries as in the JSON summary."""
        return [each.as_summary() for each in self.delivery_stats]

    @property
    def created_date(self) -> str | None:
        """`created_at` in ISO 8601."""
        return iso_time(self.created_at)

    @property
    def pull_date(self) -> str | None:
        """`pulled_at` in ISO 8601."""
        return iso_time(self.pulled_at)

    @property
    def processing_time(self) -> float | None:
        """Seconds from the first request to the file in place, rounded to milliseconds."""
        return None if self.processing_time_s is None else round(self.processing_time_s, DURATION_DIGITS)

    @property
    def file_size(self) -> float | None:
        """MB of 1,048,576 bytes, with one decimal."""
        return None if self.size_bytes is None else round(self.size_bytes / MEGABYTE, 1)


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of all reports of a run."""

    by_status: Mapping[Status, int]
    #: Of valid reports whose count is known.
    rows: int
    #: Of valid report files.
    size_bytes: int
    #: As received over the network, failed reports included.
    received_bytes: int
    #: Deliveries to destinations.
    deliveries: Mapping[DeliveryStatus, int]

    @classmethod
    def of(cls, reports: Iterable[ReportStats]) -> Totals:
        """Compute them in one pass."""
        counts = dict.fromkeys(Status, 0)
        deliveries = dict.fromkeys(DeliveryStatus, 0)
        rows = size_bytes = received_bytes = 0
        for stats in reports:
            counts[stats.status] += 1
            received_bytes += stats.received_bytes or 0
            for delivery in stats.delivery_stats:
                deliveries[delivery.status] += 1
            if stats.valid:
                rows += stats.rows or 0
                size_bytes += stats.size_bytes or 0
        return cls(counts, rows, size_bytes, received_bytes, deliveries)


@dataclass(frozen=True, slots=True)
class RunStats:
    """The result of a run: its reports, their totals, and facts about the run itself.

    The names of the JSON summary's `run` object are attributes with the same values.
    """

    run_id: str
    started_at: datetime
    finished_at: datetime
    duration_s: float
    exit_code: int
    domain: str
    version: str
    threads: int
    workers: int
    #: In list order.
    reports: Sequence[ReportStats]
    retries: int = 0
    worker_deaths: int = 0
    #: Notes about the run as a whole (a warning at log-in, a summary that could not be written).
    notes: tuple[str, ...] = ()
    #: Whether `--only` selected its reports.
    is_partial: bool = False
    #: Computed from the reports.
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "totals", Totals.of(self.reports))

    @property
    def id(self) -> str:
        """The same as `run_id`."""
        return self.run_id

    @property
    def started(self) -> str | None:
        """`started_at` in ISO 8601."""
        return iso_time(self.started_at)

    @property
    def finished(self) -> str | None:
        """`finished_at` in ISO 8601."""
        return iso_time(self.finished_at)

    @property
    def seconds(self) -> float:
        """Duration of the run, rounded to milliseconds."""
        return round(self.duration_s, DURATION_DIGITS)

    @property
    def saved(self) -> int:
        """Reports whose file was written."""
        return self.totals.by_status[Status.SAVED]

    @property
    def unchanged(self) -> int:
        """Reports whose file already had the same bytes."""
        return self.totals.by_status[Status.UNCHANGED]

    @property
    def skipped(self) -> int:
        """Reports that were not fetched because an earlier run's file is still valid."""
        return self.totals.by_status[Status.SKIPPED]

    @property
    def failed(self) -> int:
        """Reports that failed."""
        return self.totals.by_status[Status.FAILED]

    @property
    def rows(self) -> int:
        """Rows of all valid reports whose count is known."""
        return self.totals.rows

    @property
    def size_bytes(self) -> int:
        """Size of all valid report files."""
        return self.totals.size_bytes


def iso_time(time: datetime | None) -> str | None:
    """ISO 8601 with the offset of the machine's time zone, in milliseconds; None stays None."""
    return None if time is None else time.astimezone().isoformat(timespec="milliseconds")
