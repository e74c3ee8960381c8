"""Tracks every report of the run (attempts, retries, outcome) and makes all decisions about retries.

Pure rules: nothing is fetched, written or waited for here. Main thread only.

A page or error code that no other session avoids (an expired password, a log-in flow) ends the run: it concerns the
user, so every other report would get it too, by any route.

A report that gets a log-in page is retried once with a renewed session. The other reports show whether a second log-in
page concerns this report or the session: a session that has fetched any report works. So the session is *lost* when two
reports were refused by a renewed session that never worked, or when no other report is left to prove that it works.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError, SfrError
from sfr.model import Baseline, Payload, Processed, Report
from sfr.results import DeliveryStats, ReportStats
from sfr.runner.attempts import AttemptTimes, Entry, FailedAttempt, Retry, RetryRules
from sfr.runner.outcomes import delivered_stats, failed_stats, processed_stats, undelivered_stats
from sfr.runner.retry import RetryBudget
from sfr.runner.routing import Routes

if TYPE_CHECKING:
    from sfr.salesforce.session import Session

#: A failed attempt that took longer than this counts as slow: a retry would take as long again.
SLOW_CUT_AFTER_S = 300.0
#: Maximum number of slow attempts per report.
MAX_SLOW_ATTEMPTS = 3


class Ledger:
    """The entries of all reports, and the retry rules.

    started_clock_s: when the run started; phases of reports are relative to it.
    skipped: results of the reports that are not fetched.
    """

    def __init__(
        self,
        reports: Iterable[Report],
        baselines: Mapping[int, Baseline],
        rules: RetryRules,
        budget: RetryBudget,
        *,
        started_clock_s: float = 0.0,
        skipped: Iterable[ReportStats] = (),
    ) -> None:
        self.entries = {report.position: Entry(report, baselines.get(report.position)) for report in reports}
        for stats in skipped:
            self.entries[stats.report.position].stats = stats
        self.budget = budget
        self.routes = Routes()
        #: Set once the session is lost and cannot be renewed: the reason.
        self.lost: ReportError | None = None
        #: Set once nothing new is started: the error for reports that are still open.
        self.closing: ReportError | None = None
        self._open = {position for position, entry in self.entries.items() if entry.stats is None}
        self._started_clock_s = started_clock_s
        #: Called with the stats of each report that ends during the run, including its header.
        self.observers: list[Callable[[ReportStats], None]] = []
        #: Starts the deliveries of a report whose file is in place; returns their results if there is nothing to wait
        #: for, else they come by `end_delivered`.
        self.deliver: Callable[[ReportStats], tuple[DeliveryStats, ...] | None] = lambda _: ()
        self.rules = rules
        self._working_generations: set[int] = set()
        self._refused_generations: dict[int, set[int]] = {}

    # Attempts

    def record_attempt(self, position: int, attempt: int, at: datetime, clock_s: float) -> None:
        """Record that an attempt (from 1) has started; the first one sets the time of the report's first request."""
        entry = self.entries[position]
        entry.attempts = attempt
        if entry.first_request_at is None:
            entry.first_request_at, entry.first_request_clock_s = at, clock_s

    def handle_failure(self, position: int, failed: FailedAttempt) -> Retry | None:
        """Decide what follows a failed attempt. None: the report has ended (see `entries[position].stats`).

        An error that concerns every report, and that no other route avoids, ends the run: the session is lost.
        """
        retry = self._decide(position, failed)
        if retry is None and failed.error.concerns_every_report:
            self.lost = self.lost or failed.error
        return retry

    def handle_result(
        self, payload: Payload, processed: Processed, session: Session, times: AttemptTimes, done_clock_s: float
    ) -> Retry | None:
        """Decide what follows once a worker has processed a payload. None: the report has ended."""
        entry = self.entries[payload.report.position]
        if processed.is_retryable and processed.error is not None:
            error = ReportError(processed.error, processed.message, remedy="", http_status=payload.http_status)
            failed = FailedAttempt(error, times, session, payload.route, payload.received_bytes)
            return self.handle_failure(payload.report.position, failed)
        if processed.is_valid:
            self._working_generations.add(session.generation)
            self.routes.record_success(session, payload.route)
        self._end(entry, processed_stats(entry, payload, processed, times, done_clock_s, self._started_clock_s))
        return None

    def lose_session(self, refusal: SfrError) -> ReportError:
        """Note that the session cannot be renewed, which ends the run. Returns the error for all open reports."""
        self.lost = ReportError(ErrorKind.AUTH, str(refusal), remedy="", permanent=True)
        return self.lost

    def _decide(self, position: int, failed: FailedAttempt) -> Retry | None:
        entry, error = self.entries[position], failed.error
        entry.http_status = error.http_status or entry.http_status
        if self.closing is not None and (error.is_retryable or error.kind is ErrorKind.INTERRUPTED):
            self.end_failed(position, self.closing, note=f"Last attempt: {error.message}", failed=failed)
            return None
        if error.kind is ErrorKind.AUTH:
            return self._decide_after_refusal(entry, failed)
        if self.closing is None and (route := self._other_route(entry, failed)) is not None:
            return Retry(0.0, route=route)
        is_slow = error.kind is ErrorKind.TIMEOUT or (error.is_retryable and failed.duration_s > SLOW_CUT_AFTER_S)
        entry.slow_attempts += is_slow
        note = self._no_retry_note(entry, error)
        if note is not None:
            self.end_failed(position, error, note=note, failed=failed)
            return None
        if error.retry_after_s:  # 0, or a date in the past, leaves the wait to us
            return Retry(error.retry_after_s, failed.lost_session)
        return Retry(self.rules.backoff.wait_s(entry.attempts), failed.lost_session)

    def _other_route(self, entry: Entry, failed: FailedAttempt) -> str | None:
        """The route that `auto` switches to after this failure, if any."""
        return self.routes.next_route(entry.report, failed.route, failed.error, failed.session)

    def _no_retry_note(self, entry: Entry, error: ReportError) -> str | None:
        """Why there is no retry, as a note for the message ("": nothing to add). None: there is one."""
        if not error.is_retryable:
            return ""
        if entry.attempts >= self.rules.attempts:
            return f"Given up after {entry.attempts} attempts." if entry.attempts > 1 else ""
        if entry.slow_attempts >= MAX_SLOW_ATTEMPTS:
            return f"Given up after {entry.slow_attempts} slow attempts."
        if error.retry_after_s is not None and error.retry_after_s > self.rules.retry_after_max_s:
            return (
                f"Salesforce requests a wait of {error.retry_after_s:.0f} s, more than "
                f"`fetch.retry_after_max_s` ({self.rules.retry_after_max_s:g} s) allows."
            )
        if not self.budget.spend():
            return "The retry budget of the run (`fetch.retry_budget`) is used up."
        return None

    def _decide_after_refusal(self, entry: Entry, failed: FailedAttempt) -> Retry | None:
        position, session = entry.report.position, failed.session
        if failed.error.permanent:
            self.end_failed(position, failed.error, failed=failed)
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

    def deliver_skipped(self) -> None:
        """Start the deliveries that reports which are not fetched still lack."""
        for entry in self.entries.values():
            if entry.stats is not None and entry.report.deliver:
                stats, entry.stats = entry.stats, None
                self._open.add(entry.report.position)
                self._end(entry, stats, observe=False)

    def end_delivered(self, position: int, deliveries: tuple[DeliveryStats, ...]) -> None:
        """Record how the deliveries of a report ended, and the report with them."""
        entry = self.entries[position]
        if entry.awaiting is not None:
            self._conclude(entry, delivered_stats(entry.awaiting, deliveries))

    def _end(self, entry: Entry, stats: ReportStats, *, observe: bool = True) -> None:
        """Record how a report ended; one whose file is in place ends with its deliveries."""
        if not stats.is_valid:
            self._conclude(entry, stats)
            return
        deliveries = self.deliver(stats)
        if deliveries is None:
            entry.awaiting = stats
            return
        self._conclude(entry, delivered_stats(stats, deliveries), observe=observe or bool(deliveries))

    def _conclude(self, entry: Entry, stats: ReportStats, *, observe: bool = True) -> None:
        self._open.discard(entry.report.position)
        # Drop everything else: memory must not grow with the length of the run.
        entry.stats = replace(stats, header=None)
        entry.baseline = entry.first_request_at = entry.first_request_clock_s = entry.awaiting = None
        for observer in self.observers if observe else ():
            observer(stats)

    def end_failed(
        self, position: int, error: ReportError, *, note: str = "", failed: FailedAttempt | None = None
    ) -> None:
        """Record that a report failed."""
        entry = self.entries[position]
        if entry.awaiting is not None:
            self._conclude(entry, undelivered_stats(entry.awaiting, error.message))
            return
        self._end(entry, failed_stats(entry, error, note, failed, self._started_clock_s))

    def end_open(self, error: ReportError, positions: Iterable[int] | None = None) -> None:
        """Fail every open report (or those given) with this error."""
        for position in sorted(self._open if positions is None else self._open.intersection(positions)):
            self.end_failed(position, error)

    @property
    def open_count(self) -> int:
        """Reports that have not ended."""
        return len(self._open)

    @property
    def unfetched(self) -> list[Entry]:
        """Entries of reports that have to be fetched yet, in list order."""
        return [entry for entry in self.open_entries if entry.awaiting is None]

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
        """How the ended reports ended, in list order, without their headers."""
        return tuple(entry.stats for _, entry in sorted(self.entries.items()) if entry.stats is not None)

    @property
    def is_session_lost(self) -> bool:
        """Whether the run ends with the exit code for a failed log-in.

        Also true if every report that could have proved the renewed session was refused by it.
        """
        return self.lost is not None or any(
            generation not in self._working_generations for generation in self._refused_generations
        )
