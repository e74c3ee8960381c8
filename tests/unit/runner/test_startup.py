"""Before the first report: log-in with its retries, API version, check of the session; each ends in one event."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.inbox import Inbox
from sfr.redaction import Secret
from sfr.runner import events, startup
from sfr.runner.attempts import RetryRules
from sfr.runner.ledger import Ledger
from sfr.runner.retry import Backoff, RetryBudget
from sfr.runner.startup import LOG_IN_ATTEMPTS, Startup
from sfr.salesforce.auth.grants import Grant
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import TransportOptions, open_transport
from sfr.salesforce.session import CurrentSession
from tests.raw_server import RawServer, ReceivedRequest, Reply, response

LIMIT_S = 20.0
#: A wait that only a stop ends.
LONG_S = 300.0
GRANT = Grant(Secret("00D000000000001!token"), None, ("The API version of the log-in is old.",))
BUSY = ReportError(ErrorKind.SERVER, "The log-in is busy.")


class Org:
    """Answers the two questions before the first report; a test changes how."""

    def __init__(self) -> None:
        self.versions = response(200, b'[{"version": "60.0"}, {"version": "61.0"}]')
        self.limits = response(200, b"{}")

    def __call__(self, request: ReceivedRequest) -> Reply:
        return Reply([self.limits if request.target.endswith("/limits") else self.versions], "keep")


class LogIn:
    """A log-in method that gives these outcomes in turn, the last one for ever."""

    def __init__(self, *outcomes: Grant | BaseException) -> None:
        self.outcomes, self.count = list(outcomes), 0

    def __call__(self) -> Grant:
        self.count += 1
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome


class Opening:
    """A start-up against a server, and what it posted."""

    def __init__(self) -> None:
        self.org, self.inbox = Org(), Inbox()

    def start(
        self,
        log_in: LogIn,
        *,
        version: str = "latest",
        attempts: int = 20,
        budget: int = 100,
        backoff: Backoff | None = None,
    ) -> Startup:
        """Begin; the one event comes into the inbox."""
        rules = RetryRules(attempts, backoff or Backoff(0, 0), retry_after_max_s=60.0)
        ledger = Ledger([], {}, rules, RetryBudget(budget))
        sessions = CurrentSession(log_in, self.server.url)
        made = Startup(
            sessions, self.transport, version, lambda: Deadline.after(LIMIT_S, "the test"), ledger, self.inbox
        )
        made.begin()
        return made

    def event(self, log_in: LogIn, **options: Any) -> events.Event:
        """The event that the start-up ends with."""
        thread = self.start(log_in, **options)
        (event,) = self.inbox.take(LIMIT_S)
        if thread.ident is not None:
            thread.join(LIMIT_S)
            assert not thread.is_alive()
        assert not self.inbox.unread()
        return event

    def targets(self) -> list[str]:
        """The requests, in order."""
        return [request.target for request in self.server.received]


@pytest.fixture
def opening() -> Iterator[Opening]:
    """A start-up and its server."""
    made = Opening()
    with RawServer(made.org) as made.server:
        made.transport = open_transport(TransportOptions(threads=1))
        yield made
        made.transport.close()


def error_of(event: events.Event) -> BaseException:
    """Why the opening failed."""
    assert isinstance(event, events.StartupFailed)
    return event.error


def test_startup_logs_in_requests_the_version_and_checks_the_session(opening):
    """`latest`: the org's newest version, which the check uses and the fetch threads get."""
    log_in = LogIn(GRANT)

    assert opening.event(log_in) == events.StartupDone("61.0")
    assert log_in.count == 1
    assert opening.targets() == ["/services/data/", "/services/data/v61.0/limits"]


def test_startup_does_not_request_a_version_that_is_configured(opening):
    """One request less, and the configured version counts."""
    assert opening.event(LogIn(GRANT), version="58.0") == events.StartupDone("58.0")
    assert opening.targets() == ["/services/data/v58.0/limits"]


def test_log_in_is_tried_again_when_the_org_is_busy(opening):
    """A transient refusal costs attempts, not the run."""
    log_in = LogIn(BUSY, BUSY, GRANT)

    assert isinstance(opening.event(log_in), events.StartupDone)
    assert log_in.count == 3


@pytest.mark.parametrize(("attempts", "count"), [(20, LOG_IN_ATTEMPTS), (2, 2)])
def test_log_in_is_given_up_after_its_attempts(opening, attempts, count):
    """Five, or `fetch.attempts` if that is less; the error is the org's own, so every report gets it."""
    log_in = LogIn(BUSY)

    assert error_of(opening.event(log_in, attempts=attempts)) is BUSY
    assert log_in.count == count
    assert opening.targets() == []


def test_log_in_is_given_up_when_the_retry_budget_is_spent(opening):
    """The budget is the run's: what the log-in takes is not there for reports."""
    log_in = LogIn(BUSY)

    assert error_of(opening.event(log_in, budget=1)) is BUSY
    assert log_in.count == 2


@pytest.mark.parametrize(
    "refusal",
    [
        LogInError("The password is wrong."),
        ReportError(ErrorKind.NETWORK, "The certificate is wrong.", permanent=True),
        ReportError(ErrorKind.SERVER, "It is busy.", retry_after_s=61.0),
    ],
)
def test_log_in_is_tried_once_when_another_attempt_cannot_help_or_would_come_too_late(opening, refusal):
    """A refusal (lock-out), what is permanent, and a wait beyond `fetch.retry_after_max_s`."""
    log_in = LogIn(refusal)

    assert str(error_of(opening.event(log_in))) == str(refusal)
    assert log_in.count == 1


def test_wait_before_the_next_log_in_ends_when_the_run_does(opening, caplog, monkeypatch):
    """Cancelled while it waits for minutes: it ends at once, without another log-in."""
    log_in, is_waiting = LogIn(ReportError(ErrorKind.SERVER, "It is busy.", retry_after_s=59.0)), threading.Event()
    monkeypatch.setattr(startup.log, "warning", lambda *_: is_waiting.set())

    thread = opening.start(log_in)
    assert is_waiting.wait(LIMIT_S)
    thread.cancel()
    (event,) = opening.inbox.take(LIMIT_S)

    assert isinstance(error_of(event), ReportError)
    assert log_in.count == 1


def test_session_that_does_not_work_fails_the_opening(opening):
    """A 401 to the check: no report is requested with it."""
    opening.org.limits = response(401, b'[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired."}]')

    assert isinstance(error_of(opening.event(LogIn(GRANT))), LogInError)


def test_warnings_are_logged_once_each(opening, caplog):
    """Warnings of the log-in, and two answers that were not as expected; the run continues."""
    opening.org.versions = response(500)
    opening.org.limits = response(500)

    with caplog.at_level(logging.WARNING, logger="sfr"):
        event = opening.event(LogIn(GRANT), attempts=1)

    assert event == events.StartupDone("64.0")
    texts = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(texts) == 3
    for word in ("API versions", "session check", "of the log-in is old"):
        assert sum(word in text for text in texts) == 1, word


def test_bug_in_the_start_up_reaches_the_main_thread(opening):
    """Its thread ends silently else, and the run would wait for ever."""
    event = opening.event(LogIn(ZeroDivisionError("a bug")))

    assert isinstance(event, events.ThreadCrashed)
    assert isinstance(event.bug, ZeroDivisionError)


def test_opening_fails_as_worker_when_the_system_grants_no_thread(opening, monkeypatch):
    """Not even the log-in can begin; the message names the limit to raise."""

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(Startup, "start", refuse)
    log_in = LogIn(GRANT)
    error = error_of(opening.event(log_in))

    assert isinstance(error, ReportError)
    assert error.kind is ErrorKind.WORKER
    assert "ulimit -u" in str(error)
    assert log_in.count == 0
