"""What is known of every report of the run: attempts so far, what comes next, and how it ended.

All decisions about trying again are made here, by rules alone: nothing is fetched, written or waited for.
Main thread only.

A report that gets a page or code before the org that no session mends (an expired password, a log-in flow) ends the
run: it concerns the user, so every other report would get it as well, by each route.

A report that gets a log-in page is asked once more with a renewed session. Whether a second log-in page is the report's
fault or the session's is told by the others: a session that has brought any report works. So the run is *lost* when two
reports were refused by a renewed session that never worked, or when none is left to prove that it does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.fetching.retry import Backoff, RetryBudget
from sfr.fetching.routing import Routes, fall_back_note
from sfr.lazy import Mapped
from sfr.model import Baseline, FetchTimes, Report, ReportStats, Status
from sfr.packing import pack, unpack

if TYPE_CHECKING:
    from sfr.session import Session

#: An attempt that was cut later than this counts among the slow ones: asking again costs as long again.
SLOW_CUT_AFTER_S = 300.0
#: Slow attempts a report may have.
LARGEST_SLOW_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class RetryRules:
    """What `fetch` in the configuration says of trying again."""

    attempts: int
    backoff: Backoff
    retry_after_max_s: float


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One attempt that brought no report: the error, and when what happened."""

    error: ReportError
    duration_s: float
    #: The session that was used; None where none was.
    session: Session | None = None
    route: str | None = None
    times: FetchTimes | None = None
    received_bytes: int | None = None
    #: The lost session that this attempt was to renew, where even the renewal could not be asked for.
    lost_session: Session | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again, not before so many seconds; first renew this session, if one is named."""

    wait_s: float
    lost_session: Session | None = None
    #: Another way to ask; None: the same.
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
    #: How the report ended, packed; None as long as it has not.
    packed: bytes | None = None

    @property
    def stats(self) -> ReportStats:
        """How the report ended, without its header. ValueError as long as it has not."""
        if self.packed is None:
            raise ValueError(f"{self.report.name} has not ended")
        return unpack(self.report, self.packed)


class Ledger:
    """The entries of all reports, and the rules for what comes next.

    skipped: how those ended that are not to be fetched.
    on_ended: told of every other report when it ends, its header included.
    """

    def __init__(
        self,
        reports: Iterable[Report],
        baselines: Mapping[int, Baseline],
        rules: RetryRules,
        budget: RetryBudget,
        *,
        skipped: Iterable[ReportStats] = (),
        on_ended: Callable[[ReportStats], None] = lambda _: None,
    ) -> None:
        self.entries = {report.position: Entry(report, baselines.get(report.position)) for report in reports}
        for stats in skipped:
            self.entries[stats.report.position].packed = pack(stats)
        self.budget = budget
        self.routes = Routes()
        #: Set once the session is lost for good: why.
        self.lost: ReportError | None = None
        #: Set once nothing is tried any more: what becomes of reports that would be.
        self.closing: ReportError | None = None
        self._open = {position for position, entry in self.entries.items() if entry.packed is None}
        self._on_ended = on_ended
        self.rules = rules
        self._working_generations: set[int] = set()
        self._refused_generations: dict[int, set[int]] = {}

    # Attempts

    def note_attempt(self, position: int, attempt: int, at: datetime, clock_s: float) -> None:
        """An attempt (from 1) has begun; the first one's time is when the report's first request left."""
        entry = self.entries[position]
        entry.attempts = attempt
        if entry.first_request_at is None:
            entry.first_request_at, entry.first_request_clock_s = at, clock_s

    def note_working(self, session: Session) -> None:
        """A report arrived with this session, so the session works."""
        self._working_generations.add(session.generation)

    def judge(self, position: int, failed: FailedAttempt) -> Retry | None:
        """Decide what follows a failed attempt. None: the report has ended; `entries[position].stats` says how."""
        entry, error = self.entries[position], failed.error
        entry.http_status = error.http_status or entry.http_status
        if self.closing is not None and (error.is_retryable or error.kind is ErrorKind.INTERRUPTED):
            self.end_failed(position, self.closing, note=f"Its last attempt: {error.message}", failed=failed)
            return None
        if error.kind is ErrorKind.AUTH:
            return self._judge_refusal(entry, failed)
        if self.closing is None and (route := self._other_route(entry, failed)) is not None:
            return Retry(0.0, route=route)
        is_slow = error.kind is ErrorKind.TIMEOUT or (error.is_retryable and failed.duration_s > SLOW_CUT_AFTER_S)
        entry.slow_attempts += is_slow
        ending = self._reason_to_end(entry, error)
        if ending is not None:
            self.end_failed(position, error, note=ending, failed=failed)
            return None
        if error.retry_after_s:  # 0, or a date that has passed, asks for no wait but forbids none either
            return Retry(error.retry_after_s, failed.lost_session)
        return Retry(self.rules.backoff.wait_s(entry.attempts), failed.lost_session)

    def _other_route(self, entry: Entry, failed: FailedAttempt) -> str | None:
        """The route that `auto` goes on with after this failure, if any."""
        return self.routes.after_failure(entry.report, failed.route, failed.error, failed.session)

    def _reason_to_end(self, entry: Entry, error: ReportError) -> str | None:
        """Why no other attempt follows, as a note for the message ("": the error says it all). None: one does."""
        if not error.is_retryable:
            return ""
        if entry.attempts >= self.rules.attempts:
            return f"Given up after {entry.attempts} attempts." if entry.attempts > 1 else ""
        if entry.slow_attempts >= LARGEST_SLOW_ATTEMPTS:
            return f"Given up after {entry.slow_attempts} slow attempts."
        if error.retry_after_s is not None and error.retry_after_s > self.rules.retry_after_max_s:
            return (
                f"Salesforce asks to wait {error.retry_after_s:.0f} s, more than "
                f"`fetch.retry_after_max_s` ({self.rules.retry_after_max_s:g}) allows."
            )
        if not self.budget.spend():
            return "The retries of the whole run (`fetch.retry_budget`) are spent."
        return None

    def _judge_refusal(self, entry: Entry, failed: FailedAttempt) -> Retry | None:
        position, session = entry.report.position, failed.session
        if failed.error.permanent:
            self.end_failed(position, failed.error, failed=failed)
            self.lost = self.lost or failed.error
            return None
        if self.closing is None and not entry.was_renewed and session is not None:
            entry.was_renewed = True
            return Retry(0.0, lost_session=session)
        if self.closing is None and (route := self._other_route(entry, failed)) is not None:
            return Retry(0.0, route=route)
        self.end_failed(position, failed.error, failed=failed)
        if session is not None and session.generation not in self._working_generations:
            refused = self._refused_generations.setdefault(session.generation, set())
            refused.add(position)
            if len(refused) > 1 or not self._working_generations:
                self.lost = failed.error
        return None

    # Endings

    def end(self, stats: ReportStats) -> None:
        """Write down how a report ended, with what only the ledger knows, and tell of it."""
        entry = self.entries[stats.report.position]
        self._open.discard(stats.report.position)
        stats = replace(
            stats,
            # Ours, not the copy that came back from the worker: one report, one value in memory.
            report=entry.report,
            attempt_count=entry.attempts,
            created_at=stats.created_at or entry.first_request_at,
        )
        entry.packed = pack(stats)
        # Of an ended report nothing else is wanted: a run must not need more memory the longer it goes on.
        entry.baseline = entry.first_request_at = entry.first_request_clock_s = None
        self._on_ended(stats)

    def end_failed(
        self, position: int, error: ReportError, *, note: str = "", failed: FailedAttempt | None = None
    ) -> None:
        """Write down that a report failed."""
        entry = self.entries[position]
        route = failed.route if failed else None
        notes = (error.message, note, fall_back_note(entry.report, route), error.remedy)
        duration_s = None
        if failed is not None and failed.times is not None and entry.first_request_clock_s is not None:
            duration_s = failed.times.received_clock_s - entry.first_request_clock_s
        self.end(
            ReportStats(
                report=entry.report,
                status=Status.FAILED,
                error=error.kind,
                message=" ".join(part for part in notes if part),
                processing_time_s=duration_s,
                route=route,
                http_status=error.http_status or entry.http_status,
                times=failed.times if failed else None,
                received_bytes=failed.received_bytes if failed else None,
            )
        )

    def end_open(self, error: ReportError, positions: Iterable[int] | None = None) -> None:
        """End every report (or those given) that has not ended yet, as failed with this error."""
        for position in sorted(self._open if positions is None else self._open.intersection(positions)):
            self.end_failed(position, error)

    @property
    def open_count(self) -> int:
        """Reports that have not ended."""
        return len(self._open)

    @property
    def open_entries(self) -> list[Entry]:
        """Entries of reports that have not ended, in list order."""
        return [self.entries[position] for position in sorted(self._open)]

    @property
    def retries(self) -> int:
        """Attempts beyond each report's first."""
        return sum(max(0, entry.attempts - 1) for entry in self.entries.values())

    def is_open(self, position: int) -> bool:
        """Whether the report has not ended."""
        return position in self._open

    @property
    def ended(self) -> Sequence[ReportStats]:
        """How the ended reports ended, in list order, without their headers; each is unpacked when it is looked at."""
        ended = [entry for _, entry in sorted(self.entries.items()) if entry.packed is not None]
        return Mapped(ended, lambda entry: entry.stats)

    @property
    def is_session_lost(self) -> bool:
        """Whether the run has to end with the log-in's exit code.

        Also true where the only reports that could have shown that the renewed session works were refused by it.
        """
        return self.lost is not None or any(
            generation not in self._working_generations for generation in self._refused_generations
        )
