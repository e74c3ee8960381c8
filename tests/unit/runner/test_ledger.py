"""The ledger: what follows a failed attempt, and how reports end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.model import Payload, Processed, Report, Status
from sfr.redaction import Secret
from sfr.results import Phases, ReportStats
from sfr.runner.attempts import AttemptTimes, Entry, FailedAttempt, Retry, RetryRules
from sfr.runner.endings import deadline_passed, interrupted, no_fetch_threads, no_workers, worker_lost
from sfr.runner.ledger import Ledger
from sfr.runner.retry import Backoff, RetryBudget
from sfr.salesforce.session import Session

RULES = RetryRules(attempts=4, backoff=Backoff(0, 0), retry_after_max_s=300)


def make_ledger(count=3, budget=100, **more):
    """A ledger of this number of reports, none of them requested yet."""
    reports = [
        Report(position, "SFDC", f"report-{position}", "00OE0000002wlroMAA", "/nowhere", "?export=1")
        for position in range(count)
    ]
    return Ledger(reports, {}, RULES, RetryBudget(budget), **more)


def make_session(generation):
    """A session of this generation."""
    return Session(Secret("00D000000000001!token"), "https://acme.my.salesforce.com", generation)


def fail(ledger, position, kind, *, duration_s=1.0, session=None, route=None, **facts):
    """One more attempt of a report fails; returns what the ledger makes of it."""
    attempt = ledger.entries[position].attempts + 1
    ledger.record_attempt(position, attempt, datetime.now(UTC), 0.0)
    error = ReportError(kind, "It failed.", **facts)
    times = AttemptTimes(0, 0.0, 0.0, duration_s)
    return ledger.handle_failure(position, FailedAttempt(error, times, session=session, route=route))


def save(ledger, position, session=None, *, route="classic", done_clock_s=3.0, **facts):
    """A worker is done with a report's payload; returns what the ledger makes of it."""
    report = ledger.entries[position].report
    payload = Payload(report, 1, route, 7, b"1234567", http_status=200)
    processed = Processed(**{"status": Status.SAVED, "worked_s": 0.5, **facts})
    times = AttemptTimes(1, 1.0, 1.5, 2.0)
    return ledger.handle_result(payload, processed, session or make_session(1), times, done_clock_s)


def note_working(ledger, generation):
    """Another report arrives with this session."""
    position = max(ledger.entries) + 1
    report = replace(ledger.entries[0].report, position=position)
    ledger.entries[position] = Entry(report)
    save(ledger, position, make_session(generation))
    del ledger.entries[position]


@pytest.mark.parametrize("kind", ["timeout", "network", "truncated", "empty", "server", "rate_limited"])
def test_ledger_tries_again_until_the_attempts_are_used_up(kind):
    """Transient errors are retried, up to `fetch.attempts` attempts in all (three if slow)."""
    ledger = make_ledger()
    answers = []
    while ledger.is_open(0):
        answers.append(fail(ledger, 0, ErrorKind(kind)))

    assert len(answers) == (3 if kind == "timeout" else 4)
    assert all(isinstance(answer, Retry) for answer in answers[:-1])
    assert ledger.entries[0].stats.error == kind


@pytest.mark.parametrize("kind", ["challenge", "forbidden", "not_found", "not_csv", "disk", "guard", "invalid"])
def test_ledger_does_not_retry_permanent_errors(kind):
    """No other attempt can help."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind(kind)) is None
    assert ledger.entries[0].stats.attempt_count == 1


def test_ledger_does_not_retry_when_a_retryable_kind_is_permanent():
    """A wrong certificate is `network`, but not retried."""
    assert fail(make_ledger(), 0, ErrorKind.NETWORK, permanent=True) is None


def test_ledger_allows_three_attempts_that_are_cut_late():
    """A body cut after more than five minutes counts among the slow attempts."""
    ledger = make_ledger()
    answers = [fail(ledger, 0, ErrorKind.TRUNCATED, duration_s=301) for _ in range(3)]

    assert [True, True, False] == [isinstance(answer, Retry) for answer in answers]


def test_ledger_counts_a_cut_after_five_minutes_exactly_as_a_quick_one():
    """Only a later one costs as long again."""
    ledger = make_ledger()
    answers = [fail(ledger, 0, ErrorKind.TRUNCATED, duration_s=300) for _ in range(4)]

    assert [True, True, True, False] == [isinstance(answer, Retry) for answer in answers]


@pytest.mark.parametrize(("attempts", "note"), [(1, ""), (2, "Given up after 2 attempts. ")])
def test_ledger_says_how_often_it_tried_when_that_was_more_than_once(attempts, note):
    """What happened, how often, what to do: one sentence each, nothing between them."""
    ledger = make_ledger()
    ledger.rules = RetryRules(attempts=attempts, backoff=Backoff(0, 0), retry_after_max_s=300)
    while ledger.is_open(0):
        fail(ledger, 0, ErrorKind.SERVER, remedy="Wait.")

    assert ledger.entries[0].stats.message == f"It failed. {note}Wait."


def test_ledger_dates_and_times_a_report_from_its_first_attempts_request():
    """What the summary says of a report that failed at its second attempt; phases count from the run's start."""
    ledger, first_at = make_ledger(started_clock_s=5.0), datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
    ledger.record_attempt(0, 1, first_at, 10.0)
    ledger.record_attempt(0, 2, first_at + timedelta(seconds=40), 50.0)
    error = ReportError(ErrorKind.NOT_FOUND, "It is gone.", http_status=404)
    ledger.handle_failure(
        0, FailedAttempt(error, AttemptTimes(3, 50.0, 51.0, 70.0), route="analytics", received_bytes=7)
    )

    stats = ledger.entries[0].stats
    assert (stats.created_at, stats.processing_time_s, stats.attempt_count) == (first_at, 60.0, 2)
    assert stats.phases == Phases(3, 5.0, 45.0, 46.0, 65.0)
    assert (stats.received_bytes, stats.route, stats.http_status) == (7, "analytics", 404)


def test_ledger_gives_no_duration_when_no_attempt_had_begun():
    """There is no beginning to count from."""
    ledger = make_ledger()
    ledger.handle_failure(
        0, FailedAttempt(ReportError(ErrorKind.NOT_CSV, "A page."), AttemptTimes(0, 50.0, 51.0, 70.0))
    )

    assert ledger.entries[0].stats.processing_time_s is None
    assert ledger.entries[0].stats.phases is None


def test_ledger_joins_what_the_worker_made_of_a_report_with_its_own_facts():
    """The worker knows the file, the ledger the attempts, and the payload the answer."""
    ledger, first_at = make_ledger(), datetime(2026, 11, 23, tzinfo=UTC)
    ledger.record_attempt(0, 1, first_at, 1.0)

    assert save(ledger, 0, rows=5, columns=2, size_bytes=60, sha256="ab", pulled_at=first_at) is None

    stats = ledger.entries[0].stats
    assert (stats.status, stats.attempt_count, stats.created_at, stats.pulled_at) == ("saved", 1, first_at, first_at)
    assert (stats.rows, stats.columns, stats.size_bytes, stats.sha256) == (5, 2, 60, "ab")
    assert (stats.route, stats.http_status, stats.received_bytes, stats.processing_time_s) == ("classic", 200, 7, 2.0)
    assert stats.phases == Phases(1, 1.0, 1.0, 1.5, 2.0, 2.5, 3.0)


def test_ledger_tries_a_report_again_when_the_worker_found_its_body_cut():
    """A body that is not whole is one more failed attempt."""
    ledger = make_ledger()
    ledger.record_attempt(0, 1, datetime.now(UTC), 1.0)

    assert isinstance(save(ledger, 0, status=Status.FAILED, error=ErrorKind.TRUNCATED, message="Cut."), Retry)
    assert ledger.is_open(0)


def test_ledger_ends_a_report_when_a_guard_refused_it():
    """It is whole: another attempt would fetch the same."""
    ledger = make_ledger()

    assert save(ledger, 0, status=Status.FAILED, error=ErrorKind.GUARD, message="Too few.", rows=1) is None
    assert (ledger.entries[0].stats.error, ledger.entries[0].stats.message) == (ErrorKind.GUARD, "Too few.")


def test_ledger_loses_the_run_when_a_challenge_leaves_no_other_route():
    """`route: classic`: it concerns the session, and so every report."""
    ledger = make_ledger()
    ledger.entries[0].report = replace(ledger.entries[0].report, route="classic")

    assert fail(ledger, 0, ErrorKind.CHALLENGE, session=make_session(1), route="classic") is None
    assert ledger.lost is not None
    assert ledger.is_session_lost


def test_ledger_gives_the_last_errors_status_when_it_was_not_judged_here():
    """A report that ends without another attempt's judgement."""
    ledger = make_ledger()
    fail(ledger, 0, ErrorKind.SERVER, http_status=503)

    ledger.end_failed(0, ReportError(ErrorKind.NOT_CSV, "A page.", http_status=200))
    ledger.end_failed(1, ReportError(ErrorKind.NETWORK, "No way there."))

    assert [stats.http_status for stats in ledger.ended] == [200, None]


def test_ledger_fails_fast_when_the_retry_budget_is_spent():
    """The budget belongs to the run: what one report used up, another does not have."""
    ledger = make_ledger(budget=2)
    fail(ledger, 0, ErrorKind.SERVER)
    fail(ledger, 1, ErrorKind.SERVER)

    assert fail(ledger, 2, ErrorKind.SERVER) is None
    assert "fetch.retry_budget" in ledger.entries[2].stats.message


def test_ledger_obeys_retry_after_up_to_its_maximum():
    """The server's wait replaces the backoff; a longer one ends the report with its own error."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind.RATE_LIMITED, retry_after_s=300) == Retry(300)
    assert fail(ledger, 1, ErrorKind.SERVER, retry_after_s=301) is None
    assert ledger.entries[1].stats.error is ErrorKind.SERVER


def test_ledger_backs_off_when_retry_after_requires_no_wait():
    """0, or a date in the past, does not allow 20 requests within a second."""
    ledger = make_ledger()
    ledger.rules = RetryRules(attempts=4, backoff=Backoff(10, 10), retry_after_max_s=300)

    assert 0 < fail(ledger, 0, ErrorKind.SERVER, retry_after_s=0.0).wait_s <= 10


def test_ledger_keeps_the_status_of_the_last_answer_when_later_attempts_got_none():
    """A busy org that then cannot be reached: the summary says what it said last."""
    ledger = make_ledger(budget=1)
    fail(ledger, 0, ErrorKind.SERVER, http_status=503)
    fail(ledger, 0, ErrorKind.NETWORK)

    assert (ledger.entries[0].stats.error, ledger.entries[0].stats.http_status) == (ErrorKind.NETWORK, 503)


def test_ledger_renews_the_session_once_for_a_refused_report():
    """The first log-in page leads to a renewal of the session that got it."""
    ledger, session = make_ledger(), make_session(1)

    assert fail(ledger, 0, ErrorKind.AUTH, session=session) == Retry(0.0, session)


def test_ledger_renews_no_session_when_the_log_in_itself_was_refused():
    """A second try of a wrong password locks the user out."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind.AUTH, session=make_session(1), permanent=True) is None
    assert ledger.entries[0].stats.error is ErrorKind.AUTH


@pytest.mark.parametrize("route", ["classic", "analytics", "bulk"])
def test_ledger_calls_the_run_lost_when_something_bars_the_user(route):
    """An expired password concerns every report and every route: no renewal, no other route, no other report."""
    ledger = make_ledger()
    note_working(ledger, 1)

    assert fail(ledger, 0, ErrorKind.AUTH, session=make_session(1), route=route, permanent=True) is None
    assert ledger.entries[0].stats.error is ErrorKind.AUTH
    assert ledger.lost is not None
    assert ledger.is_session_lost


def test_ledger_ends_a_refused_report_when_no_session_was_used():
    """There is nothing to renew, and nothing to call lost."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind.AUTH) is None
    assert not ledger.is_open(0)
    assert not ledger.is_session_lost


def test_ledger_continues_with_analytics_at_once_when_the_export_is_challenged():
    """`route: auto`: no wait and no renewal, since neither would help."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind.CHALLENGE, session=make_session(1), route="classic") == Retry(
        0.0, route="analytics"
    )


def test_ledger_continues_with_analytics_when_the_renewed_session_is_refused_too():
    """First another session, then another way; only then is it the end, and its message says what was tried."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind.AUTH, session=make_session(1), route="classic") == Retry(0.0, make_session(1))
    assert fail(ledger, 0, ErrorKind.AUTH, session=make_session(2), route="classic") == Retry(0.0, route="analytics")
    assert fail(ledger, 0, ErrorKind.AUTH, session=make_session(2), route="analytics") is None
    assert "`analytics` was tried" in ledger.entries[0].stats.message


@pytest.mark.parametrize(("kind", "renewals"), [("challenge", 0), ("auth", 0), ("auth", 1)])
def test_ledger_neither_renews_nor_changes_route_when_the_run_is_ending(kind, renewals):
    """Each would be one more request after the stop."""
    ledger = make_ledger()
    for generation in range(1, renewals + 1):
        fail(ledger, 0, ErrorKind(kind), session=make_session(generation), route="classic")
    ledger.closing = interrupted()

    assert fail(ledger, 0, ErrorKind(kind), session=make_session(9), route="classic") is None
    assert ledger.entries[0].stats.error == kind


def test_ledger_calls_the_run_lost_when_the_first_renewed_session_is_refused():
    """Nothing ever worked, and a fresh session does not help: no other report is requested."""
    ledger = make_ledger()
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is not None


def test_ledger_fails_only_the_report_when_the_renewed_session_works_for_others():
    """A log-in page for one report alone is that report's failure, not the session's."""
    ledger = make_ledger()
    note_working(ledger, 1)
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))
    note_working(ledger, 2)

    assert ledger.entries[0].stats.error is ErrorKind.AUTH
    assert not ledger.is_session_lost


def test_ledger_continues_when_a_session_that_works_is_refused_by_several_reports():
    """Several reports may be closed to the user; the session fetches the others."""
    ledger = make_ledger()
    note_working(ledger, 1)
    note_working(ledger, 2)
    for position in (0, 1):
        fail(ledger, position, ErrorKind.AUTH, session=make_session(1))
        fail(ledger, position, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is None
    assert not ledger.is_session_lost


def test_ledger_calls_the_session_lost_when_the_last_report_was_refused_by_a_session_that_never_worked():
    """Without another report to show that the renewed session works, it counts as lost."""
    ledger = make_ledger()
    note_working(ledger, 1)
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is None
    assert ledger.is_session_lost


def test_ledger_calls_the_run_lost_when_a_second_report_is_refused_by_the_renewed_session():
    """Two reports refused by a session that fetched none: the session is the cause."""
    ledger = make_ledger()
    note_working(ledger, 1)
    for position in (0, 1):
        fail(ledger, position, ErrorKind.AUTH, session=make_session(1))
        fail(ledger, position, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is not None


def test_ledger_keeps_a_session_lost_when_it_works_after_all():
    """Reports were given up by then: the exit code must say so."""
    ledger = make_ledger()
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))
    note_working(ledger, 2)

    assert ledger.is_session_lost


def test_ledger_calls_the_session_lost_when_one_of_several_refused_ones_never_worked():
    """An earlier renewal that worked proves nothing of the latest."""
    ledger = make_ledger()
    note_working(ledger, 1)
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))
    note_working(ledger, 2)
    fail(ledger, 1, ErrorKind.AUTH, session=make_session(2))
    fail(ledger, 1, ErrorKind.AUTH, session=make_session(3))

    assert ledger.is_session_lost


def test_ledger_gives_the_ending_as_the_reason_when_an_attempt_was_interrupted_by_it():
    """The deadline stops attempts as a signal would; what the user must hear of is the deadline."""
    ledger = make_ledger()
    ledger.closing = deadline_passed(5)
    fail(ledger, 0, ErrorKind.INTERRUPTED)

    assert ledger.entries[0].stats.error is ErrorKind.TIMEOUT


@pytest.mark.parametrize(("reason", "kind"), [(interrupted(), "interrupted"), (deadline_passed(5), "timeout")])
def test_ledger_gives_the_reason_of_the_ending_when_a_report_would_be_tried_again(reason, kind):
    """The end of the run cut off a report that would be retried; the message gives the last failure too."""
    ledger = make_ledger()
    ledger.closing = reason

    assert fail(ledger, 0, ErrorKind.SERVER) is None
    assert ledger.entries[0].stats.error == kind
    assert "It failed." in ledger.entries[0].stats.message


def test_ledger_keeps_a_permanent_error_when_the_run_is_ending():
    """The end of the run did not cause it."""
    ledger = make_ledger()
    ledger.closing = interrupted()
    fail(ledger, 0, ErrorKind.NOT_FOUND)

    assert ledger.entries[0].stats.error is ErrorKind.NOT_FOUND


def test_ledger_ends_every_open_report_exactly_once():
    """Reports that have ended keep how they ended; the others get the reason."""
    ledger = make_ledger()
    save(ledger, 1)
    ledger.end_open(interrupted())

    assert ["failed", "saved", "failed"] == [stats.status for stats in ledger.ended]
    assert ledger.open_count == 0


def test_ledger_ends_only_the_reports_that_are_named():
    """A dead worker's reports; those of them that have ended already stay as they are."""
    ledger = make_ledger()
    save(ledger, 1)
    ledger.end_open(worker_lost(), [1, 2])

    assert ["saved", "failed"] == [stats.status for stats in ledger.ended]
    assert [0] == [entry.report.position for entry in ledger.open_entries]


def test_ledger_counts_attempts_after_the_first_as_retries():
    """A report that was never requested, one that was requested once, and one three times."""
    ledger = make_ledger()
    fail(ledger, 1, ErrorKind.SERVER)
    for _ in range(3):
        fail(ledger, 2, ErrorKind.SERVER)

    assert ledger.retries == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (worker_lost(), "died or hung twice"),
        (no_workers(), "No worker process can be kept running. Check the kernel log"),
        (no_workers(OSError(30, "No room")), "No worker process can be kept running: No room. Permit it, or raise"),
        (no_fetch_threads(OSError(11, "Resource temporarily unavailable")), "(Resource temporarily unavailable)"),
    ],
)
def test_ledger_error_is_worker_when_the_system_starts_no_process_or_thread(error, said):
    """Never tried again: the next one would meet the same end. What to do is said once."""
    assert error.kind is ErrorKind.WORKER
    assert not error.is_retryable
    assert said in str(error)


def test_ledger_calls_observers_once_with_the_header_and_then_drops_it():
    """The header is for the history only; only what the summaries show stays in memory."""
    seen = []
    ledger = make_ledger()
    ledger.observers.append(seen.append)

    save(ledger, 1, rows=5, columns=2, header=("Id", "Name"))

    assert [stats.header for stats in seen] == [("Id", "Name")]
    assert list(ledger.ended) == [replace(seen[0], header=None)]


def test_ledger_counts_a_skipped_report_as_ended_and_calls_no_observer():
    """`--resume`: the summary names it among the others, in list order, as the history knows it."""
    seen = []
    skipped = ReportStats(make_ledger().entries[1].report, Status.SKIPPED, rows=5, attempt_count=3)
    ledger = make_ledger(skipped=[skipped])
    ledger.observers.append(seen.append)

    assert [entry.report.position for entry in ledger.open_entries] == [0, 2]
    assert list(ledger.ended) == [skipped]
    ledger.end_open(interrupted())
    assert [stats.report.position for stats in seen] == [0, 2]
    assert [stats.status for stats in ledger.ended] == ["failed", "skipped", "failed"]
    assert ledger.retries == 0
