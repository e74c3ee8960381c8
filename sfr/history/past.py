"""What earlier runs did, as values: what history gives, and what tables and charts show. Knows no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfr.errors import ErrorKind
from sfr.model import Status


@dataclass(frozen=True, slots=True)
class PastRun:
    """One earlier run. What is None is not known: the run was killed before its end."""

    run_id: str
    started_at: datetime
    duration_s: float | None
    exit_code: int | None
    #: Reports that the run was to fetch; those that have no status yet were cut off.
    total: int
    saved: int
    unchanged: int
    skipped: int
    failed: int
    rows: int
    size_bytes: int
    domain: str = ""


@dataclass(frozen=True, slots=True)
class PastReport:
    """How one report ended in one earlier run."""

    run_id: str
    #: When the run began.
    started_at: datetime
    name: str
    report_id: str
    path: str
    #: None where the run was killed before the report ended.
    status: Status | None
    error: ErrorKind | None
    message: str
    rows: int | None
    size_bytes: int | None
    received_bytes: int | None
    #: Request sent to file in place.
    duration_s: float | None
    attempt_count: int = 0
