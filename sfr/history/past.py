"""Values that describe earlier runs: returned by history queries, shown in tables and charts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sfr.errors import ErrorKind
from sfr.model import Status


@dataclass(frozen=True, slots=True)
class PastRun:
    """One earlier run. None means unknown: the run was killed before its end."""

    run_id: str
    started_at: datetime
    duration_s: float | None
    exit_code: int | None
    #: Reports in the run's list; those without a status were cut off.
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
    #: When the run started.
    started_at: datetime
    name: str
    report_id: str
    path: str
    #: None if the run was killed before the report was finished.
    status: Status | None
    error: ErrorKind | None
    message: str
    rows: int | None
    size_bytes: int | None
    received_bytes: int | None
    #: Request sent to file in place.
    duration_s: float | None
    attempt_count: int = 0
