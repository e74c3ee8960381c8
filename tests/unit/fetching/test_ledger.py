"""The ledger: what follows a failed attempt, and how reports end."""

from datetime import UTC, datetime

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.fetching.ledger import FailedAttempt, Ledger, Retry, RetryRules, cut_off, interrupted
from sfr.fetching.retry import Backoff, RetryBudget
from sfr.model import Report, ReportStats, Status
from sfr.redaction import Secret
from sfr.session import Session

RULES = RetryRules(attempts=4, backoff=Backoff(0, 0), retry_after_max_s=300)


def make_ledger(count=3, budget=100):
    """A ledger of so many reports, none of them asked yet."""
    reports = [
        Report(position, "SFDC", f"report-{position}", "00OE0000002wlroMAA", "/nowhere", "?export=1")
        for position in range(count)
    ]
    return Ledger(reports, {}, RULES, RetryBudget(budget))


def make_session(generation):
    """A session of this generation."""
    return Session(Secret("00D000000000001!token"), "https://acme.my.salesforce.com", generation)


def fail(ledger, position, kind, *, duration_s=1.0, session=None, **facts):
    """One more attempt of a report fails; returns what the ledger makes of it."""
    attempt = ledger.entries[position].attempts + 1
    ledger.note_attempt(position, attempt, datetime.now(UTC), 0.0)
    return ledger.judge(position, FailedAttempt(ReportError(kind, "It failed.", **facts), duration_s, session=session))


@pytest.mark.parametrize("kind", ["timeout", "network", "truncated", "empty", "server", "rate_limited"])
def test_ledger_tries_again_until_the_attempts_are_used_up(kind):
    """What another attempt may mend is asked again, `fetch.attempts` times in all (three times if slow)."""
    ledger = make_ledger()
    answers = []
    while ledger.is_open(0):
        answers.append(fail(ledger, 0, ErrorKind(kind)))

    assert len(answers) == (3 if kind == "timeout" else 4)
    assert all(isinstance(answer, Retry) for answer in answers[:-1])
    assert ledger.entries[0].stats.error == kind


@pytest.mark.parametrize("kind", ["challenge", "forbidden", "not_found", "not_csv", "disk", "guard", "invalid"])
def test_ledger_asks_once_when_the_answer_is_permanent(kind):
    """No other attempt can help."""
    ledger = make_ledger()

    assert fail(ledger, 0, ErrorKind(kind)) is None
    assert ledger.entries[0].stats.attempt_count == 1


def test_ledger_asks_once_when_a_retryable_kind_says_that_it_is_permanent():
    """A wrong certificate is `network`, but no attempt mends it."""
    assert fail(make_ledger(), 0, ErrorKind.NETWORK, permanent=True) is None


def test_ledger_allows_three_attempts_that_are_cut_late():
    """A body cut after more than five minutes counts among the slow attempts."""
    ledger = make_ledger()
    answers = [fail(ledger, 0, ErrorKind.TRUNCATED, duration_s=301) for _ in range(3)]

    assert [True, True, False] == [isinstance(answer, Retry) for answer in answers]


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


def test_ledger_backs_off_when_retry_after_asks_for_no_wait():
    """0, or a date that has passed, is no licence to ask 20 times within a second."""
    ledger = make_ledger()
    ledger.rules = RetryRules(attempts=4, backoff=Backoff(10, 10), retry_after_max_s=300)

    assert 0 < fail(ledger, 0, ErrorKind.SERVER, retry_after_s=0.0).wait_s <= 10


def test_ledger_tells_the_status_of_the_last_answer_when_later_attempts_got_none():
    """A busy org that then cannot be reached: the summary says what it said last."""
    ledger = make_ledger(budget=1)
    fail(ledger, 0, ErrorKind.SERVER, http_status=503)
    fail(ledger, 0, ErrorKind.NETWORK)

    assert (ledger.entries[0].stats.error, ledger.entries[0].stats.http_status) == (ErrorKind.NETWORK, 503)


def test_ledger_renews_the_session_once_for_a_refused_report():
    """The first log-in page asks for a renewal of the session that got it."""
    ledger, session = make_ledger(), make_session(1)

    assert fail(ledger, 0, ErrorKind.AUTH, session=session) == Retry(0.0, session)


def test_ledger_calls_the_run_lost_when_the_first_renewed_session_is_refused():
    """Nothing ever worked, and a fresh session does not help: no other report is asked."""
    ledger = make_ledger()
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is not None


def test_ledger_blames_the_report_when_the_renewed_session_works_for_others():
    """A log-in page for one report alone is that report's failure, not the session's."""
    ledger = make_ledger()
    ledger.note_working(make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))
    ledger.note_working(make_session(2))

    assert ledger.entries[0].stats.error is ErrorKind.AUTH
    assert not ledger.is_session_lost


def test_ledger_calls_the_session_lost_when_the_last_report_was_refused_by_a_session_that_never_worked():
    """With nobody left to show that the renewed session works, it counts as lost."""
    ledger = make_ledger()
    ledger.note_working(make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(1))
    fail(ledger, 0, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is None
    assert ledger.is_session_lost


def test_ledger_calls_the_run_lost_when_a_second_report_is_refused_by_the_renewed_session():
    """Two reports refused by a session that brought none: the session is the cause."""
    ledger = make_ledger()
    ledger.note_working(make_session(1))
    for position in (0, 1):
        fail(ledger, position, ErrorKind.AUTH, session=make_session(1))
        fail(ledger, position, ErrorKind.AUTH, session=make_session(2))

    assert ledger.lost is not None


@pytest.mark.parametrize(("reason", "kind"), [(interrupted(), "interrupted"), (cut_off(5), "timeout")])
def test_ledger_gives_the_reason_of_the_ending_when_a_report_would_be_tried_again(reason, kind):
    """A report that another attempt might have brought was cut off by the end of the run; why it failed is told too."""
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
    ledger.end(ReportStats(ledger.entries[1].report, Status.SAVED))
    ended = ledger.end_open(interrupted())

    assert [0, 2] == [stats.report.position for stats in ended]
    assert ["failed", "saved", "failed"] == [stats.status for stats in ledger.ended]
    assert ledger.open_count == 0


def test_ledger_keeps_all_but_the_header_of_a_report_once_the_history_has_it():
    """Of very many reports only what the summaries tell stays in memory."""
    ledger = make_ledger()
    ended = ReportStats(ledger.entries[1].report, Status.SAVED, rows=5, columns=2, header=("Id", "Name"))

    ledger.end(ended)
    ledger.let_header_go(0)
    ledger.let_header_go(1)

    assert [(stats.rows, stats.columns, stats.header) for stats in ledger.ended] == [(5, 2, None)]
