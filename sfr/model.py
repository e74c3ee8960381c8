"""The values that travel between processes: frozen, slotted, picklable, without a secret in them.

    Report ──► Payload ──► Processed            (how a report ended, and the run: `sfr.results`)
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
    """The last good run of a report, from the history: what guards compare with, and what scheduling expects."""

    rows: int | None
    header: tuple[str, ...] | None
    route: str | None
    received_bytes: int | None
    size_bytes: int | None
    #: Request sent to file in place.
    duration_s: float | None


@dataclass(frozen=True, slots=True)
class Payload:
    """A response body as received (still encoded as `content_encoding` says): what a route returns.

    Exactly one of `body` (small) and `spool_path` (a file in the report's directory) is set.
    """

    report: Report
    #: The attempt that brought it, from 1.
    attempt: int
    #: The route that brought it: `classic`, `analytics` or `bulk`.
    route: str
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
    #: True for a classic export, whose completeness its footer proves; False for CSV that SFR assembled page by
    #: page from an API that says itself when all rows have been sent.
    has_footer: bool = True
    #: What the report is compared with; None on a first run.
    baseline: Baseline | None = None

    @property
    def key(self) -> tuple[int, int]:
        """Unique within the run."""
        return self.report.position, self.attempt


@dataclass(frozen=True, slots=True)
class Processed:
    """What a worker made of a payload; what the main process knows of it is not repeated here."""

    status: Status
    error: ErrorKind | None = None
    #: For the user: what happened and what to do; may be set for a saved report too (a warning).
    message: str = ""
    rows: int | None = None
    columns: int | None = None
    #: Of the report file as it is on disk.
    size_bytes: int | None = None
    sha256: str | None = None
    #: Column labels; None where unknown.
    header: tuple[str, ...] | None = None
    #: When the file was in place, or found unchanged; None if it was not.
    pulled_at: datetime | None = None
    #: From taking the payload to the end.
    worked_s: float = 0.0

    @property
    def is_valid(self) -> bool:
        """True for all but failed."""
        return self.status is not Status.FAILED

    @property
    def is_retryable(self) -> bool:
        """Whether another attempt may end better. A report whose rows were counted is whole: its failure is final."""
        return self.error in RETRIED_KINDS and self.rows is None
