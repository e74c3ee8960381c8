"""The values the ledger works with: retry rules, attempts and how they failed, and each report's entry."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.errors import ReportError
from sfr.model import Baseline, Report
from sfr.results import ReportStats
from sfr.runner.retry import Backoff

if TYPE_CHECKING:
    from sfr.salesforce.session import Session


@dataclass(frozen=True, slots=True)
class RetryRules:
    """The retry settings under `fetch` in the configuration."""

    attempts: int
    backoff: Backoff
    retry_after_max_s: float


@dataclass(frozen=True, slots=True)
class AttemptTimes:
    """Clock readings of one attempt: request sent, first byte of the answer, last byte."""

    #: Number of the fetch thread, from 0.
    thread: int
    request_clock_s: float
    first_byte_clock_s: float
    received_clock_s: float


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt that returned no report."""

    error: ReportError
    times: AttemptTimes
    #: The session that was used; None if there was none.
    session: Session | None = None
    route: str | None = None
    received_bytes: int | None = None
    #: The lost session that this attempt should have renewed, if the renewal failed for a transient reason.
    lost_session: Session | None = None

    @property
    def duration_s(self) -> float:
        """From the request to the last byte, or to the failure."""
        return self.times.received_clock_s - self.times.request_clock_s


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `wait_s`; first renew the lost session, if one is given."""

    wait_s: float
    lost_session: Session | None = None
    #: The route to switch to; None: the same.
    route: str | None = None


@dataclass(slots=True)
class Entry:
    """One report's line in the ledger."""

    report: Report
    baseline: Baseline | None = None
    attempts: int = 0
    slow_attempts: int = 0
    first_request_at: datetime | None = None
    first_request_clock_s: float | None = None
    was_renewed: bool = False
    #: Of the last answer, whichever attempt got it.
    http_status: int | None = None
    #: The result of the report but for its deliveries, which are under way; None otherwise.
    awaiting: ReportStats | None = None
    #: The result of the report, without its header; None until it has ended.
    stats: ReportStats | None = None
