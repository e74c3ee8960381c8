"""Defines the values that are passed between processes: frozen, slotted, picklable, without secrets.

    Report ──► Payload ──► Processed            (results of reports and runs: `sfr.results`)
    (listed)   (received)  (checked, written)

Times named `*_at` are wall-clock datetimes with an offset, durations end in `_s`, sizes in `_bytes`. Readings of
`time.monotonic()` (`*_clock_s`) stay in the process that took them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sfr.errors import RETRIED_KINDS, ErrorKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime

#: `report_type` of a Salesforce report and of a SOQL query.
SFDC, SOQL = "SFDC", "SOQL"


class Status(StrEnum):
    """The `status` column of the summary."""

    SAVED = "saved"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Guards:
    """Conditions that a new report must meet to replace the old one; None disables a guard."""

    min_rows: int | None = None
    #: Maximum decrease of the row count since the last good run, in percent.
    max_drop_pct: float | None = None
    #: `any`, or `same`: the header must be the last good run's.
    columns: str = "any"
    #: `true`, `false` or `warn`.
    may_be_empty: str = "warn"


@dataclass(frozen=True, slots=True)
class Report:
    """One row of the report list, checked, dates filled in: what to fetch and where to save it."""

    #: Place in the list, from 0; identifies the report within a run.
    position: int
    #: `SFDC` (a report) or `SOQL` (a Bulk API 2.0 query).
    report_type: str
    #: File name without suffix, dates filled in.
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
    #: The name as in the list, dates not filled in; identifies the report in the history.
    name_template: str = ""
    #: Filter values, dates filled in; empty for none.
    filters: str = ""
    #: Names of the destinations that the report file is delivered to.
    deliver: tuple[str, ...] = ()
    #: The table in databases; empty = derived from `name_template`.
    table: str = ""
    #: When the list was read, in the configuration's time zone: the date of targets and of appended rows.
    listed_at: datetime | None = field(default=None, compare=False)

    @property
    def path(self) -> str:
        """Absolute path of the report file."""
        return f"{self.directory.rstrip('/')}/{self.name}.{self.format}"


@dataclass(frozen=True, slots=True)
class Baseline:
    """The last good run of a report, from the history; used by guards and scheduling."""

    rows: int | None
    header: tuple[str, ...] | None
    route: str | None
    received_bytes: int | None
    size_bytes: int | None
    #: From sending the request to the file in place.
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Payload:
    """A response body as received (encoded according to `content_encoding`); returned by a route.

    Exactly one of `body` (small) and `spool_path` (a file in the report's directory) is set.
    """

    report: Report
    #: The attempt that fetched it, from 1.
    attempt: int
    #: The route that fetched it: `classic`, `analytics` or `bulk`.
    route: str
    #: As received, before decoding.
    received_bytes: int
    body: bytes | None = None
    spool_path: str | None = None
    #: `identity` or `gzip`.
    content_encoding: str = "identity"
    #: True if Content-Length or chunked framing proved that the body arrived completely.
    is_framed: bool = True
    #: True if Content-Type or Content-Disposition declare a CSV.
    is_declared_csv: bool = True
    http_status: int = 200
    #: True for a classic export, whose footer proves that it is complete; False for a CSV assembled page by page from
    #: an API that itself indicates the end.
    has_footer: bool = True
    #: The last good run to compare with; None on a first run.
    baseline: Baseline | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Unique within the run."""
        return self.report.position, self.attempt


@dataclass(frozen=True, slots=True)
class Processed:
    """The result of processing a payload, without facts that the main process already has."""

    status: Status
    error: ErrorKind | None = None
    #: For the user: what happened and what to do; may be set for a saved report too (a warning).
    message: str = ""
    rows: int | None = None
    columns: int | None = None
    #: Of the report file on disk.
    size_bytes: int | None = None
    sha256: str | None = None
    #: Column labels; None where unknown.
    header: tuple[str, ...] | None = None
    #: When the file was in place, or found unchanged; None if it was not.
    pulled_at: datetime | None = None
    #: Processing time, from taking the payload.
    worked_s: float = 0.0

    @property
    def is_valid(self) -> bool:
        """True for all but failed."""
        return self.status is not Status.FAILED

    @property
    def is_retryable(self) -> bool:
        """Whether a retry may help. If the rows were counted, the report is complete and its failure permanent."""
        return self.error in RETRIED_KINDS and self.rows is None
