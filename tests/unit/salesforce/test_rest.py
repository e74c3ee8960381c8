"""The REST API as connectors use it, over real sockets."""

import json
import threading

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.redaction import Secret
from sfr.salesforce.fault_rules import RunsSpentError, Subject
from sfr.salesforce.http.responses import FullResponse
from sfr.salesforce.rest import RestApi, error_of, subject_of
from sfr.salesforce.session import Session
from sfr.salesforce.statuses import status_error
from tests.connector_exchange import exchange_with
from tests.raw_server import RawServer, Reply, response


def fault(code, message):
    """An error of the REST API."""
    return json.dumps([{"errorCode": code, "message": message}]).encode()


def in_turn(*replies):
    """One reply after the other; the last one again and again."""
    left = list(replies)
    return lambda _: Reply([left.pop(0) if len(left) > 1 else left[0]], "keep")


LOST = response(401, fault("INVALID_SESSION_ID", "Session expired or invalid"))


@pytest.mark.parametrize(
    ("status", "code", "message", "kind", "is_retryable"),
    [
        (400, "MALFORMED_QUERY", "unexpected token: FRM", ErrorKind.INVALID, False),
        (401, "INVALID_SESSION_ID", "Session expired or invalid", ErrorKind.AUTH, False),
        (403, "FORBIDDEN", "You don’t have sufficient privileges.", ErrorKind.FORBIDDEN, False),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ErrorKind.RATE_LIMITED, True),
        (404, "NOT_FOUND", "The data is unavailable.", ErrorKind.NOT_FOUND, False),
        (503, "SERVER_UNAVAILABLE", "busy", ErrorKind.SERVER, True),
    ],
)
def test_error_is_of_the_kind_that_the_status_and_the_fault_say(status, code, message, kind, is_retryable):
    """Salesforce's own words are in the message."""
    error = status_error(status, {}, fault(code, message).decode(), subject=Subject.QUERY)

    assert (error.kind, error.is_retryable, error.http_status) == (kind, is_retryable, status)
    assert message[:20] in error.message


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_error_knows_that_an_hours_runs_are_spent(apostrophe):
    """It says so with status 403, like a missing permission; waiting a minute does not help."""
    text = f"You can{apostrophe}t run more than 500 reports synchronously every 60 minutes. Try again later."

    error = status_error(403, {}, fault("FORBIDDEN", text).decode(), subject=Subject.REPORT)

    assert isinstance(error, RunsSpentError)
    assert error.kind is ErrorKind.RATE_LIMITED
    assert not error.is_retryable


def test_request_sends_the_token_as_bearer_and_reads_usage(tmp_path):
    """No cookie; `Sforce-Limit-Info` is kept."""
    answer = response(200, b"{}", Sforce_Limit_Info="api-usage=7/100")
    with RawServer(in_turn(answer)) as server, exchange_with(server.url, tmp_path) as exchange:
        api = RestApi.of(exchange)
        assert api.call("POST", "/things", {"a": "ü"}).json() == {}

    request = server.received[0]
    assert (request.method, request.target) == ("POST", "/services/data/v64.0/things")
    assert request.headers["authorization"] == "Bearer 00Dxx!token"
    assert "cookie" not in request.headers
    assert json.loads(request.body) == {"a": "ü"}
    assert api.usage.left == 93


def test_session_lost_in_the_middle_is_renewed_once(tmp_path):
    """The request goes again with the new session, and the report does not start again."""
    renewed = []

    def renew(stale):
        renewed.append(stale.generation)
        return Session(Secret("00Dxx!fresh"), stale.instance_url, stale.generation + 1)

    with (
        RawServer(in_turn(response(200, b"{}"), LOST, response(200, b"[1]"))) as server,
        exchange_with(server.url, tmp_path, renew=renew) as exchange,
    ):
        api = RestApi.of(exchange)
        api.call("GET", "/one")
        assert api.call("GET", "/two").json() == [1]

    assert renewed == [1]
    assert [request.headers["authorization"] for request in server.received] == [
        "Bearer 00Dxx!token",
        "Bearer 00Dxx!token",
        "Bearer 00Dxx!fresh",
    ]


def test_session_refused_at_once_is_left_to_the_ledger(tmp_path):
    """Whether to renew for a report's first request is decided for all reports in one place."""
    with (
        RawServer(in_turn(LOST)) as server,
        exchange_with(server.url, tmp_path, renew=lambda _: pytest.fail("renewed")) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        RestApi.of(exchange).call("GET", "/one")

    assert caught.value.kind is ErrorKind.AUTH


def test_log_in_page_with_status_200_is_no_answer(tmp_path):
    """HTML where JSON was requested."""
    page = b"<html><head><title>Login</title></head><body><input type=password></body></html>"
    with (
        RawServer(in_turn(response(200, page))) as server,
        exchange_with(server.url, tmp_path) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        RestApi.of(exchange).call("GET", "/one")

    assert caught.value.kind is ErrorKind.AUTH


def test_with_retries_retries_after_a_transient_failure(tmp_path):
    """A busy server in the middle of a hundred pages does not cost the ninety before."""
    with (
        RawServer(in_turn(response(503), response(502), response(200, b"{}"))) as server,
        exchange_with(server.url, tmp_path) as exchange,
    ):
        api = RestApi.of(exchange)
        api.with_retries(lambda: api.call("GET", "/one"))

    assert len(server.received) == 3


@pytest.mark.parametrize("reply", [response(404), response(429, Retry_After="3600")])
def test_with_retries_does_not_retry_where_it_does_not_help(reply, tmp_path):
    """A final answer, or a wait that is for the schedule."""
    with RawServer(in_turn(reply)) as server, exchange_with(server.url, tmp_path) as exchange:
        api = RestApi.of(exchange)
        with pytest.raises(ReportError):
            api.with_retries(lambda: api.call("GET", "/one"))

    assert len(server.received) == 1


def test_pause_ends_when_the_run_is_stopped(tmp_path):
    """A poll that waits for minutes does not hold up a stop."""
    with exchange_with("http://127.0.0.1:9", tmp_path) as exchange:
        threading.Timer(0.1, exchange.transport.abort).start()
        with pytest.raises(ReportError) as caught:
            RestApi.of(exchange).pause(60)

    assert caught.value.kind is ErrorKind.INTERRUPTED


def test_pause_ends_when_the_attempts_time_is_over(tmp_path):
    """The deadline counts between requests, too."""
    with (
        exchange_with("http://127.0.0.1:9", tmp_path, timeout_s=0.1) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        RestApi.of(exchange).pause(60)

    assert caught.value.kind is ErrorKind.TIMEOUT


@pytest.mark.parametrize(
    ("path", "subject"),
    [
        ("/jobs/query", Subject.QUERY),
        ("/jobs/query/7505g0000000001AAA", Subject.QUERY_JOB),
        ("/jobs/query/7505g0000000001AAA/results?maxRecords=5", Subject.QUERY_JOB),
        ("/analytics/reports/00O5g0000000001/describe", Subject.REPORT),
        ("/analytics/reports/00O5g0000000001?includeDetails=true", Subject.REPORT),
        ("/analytics/reports/00O5g0000000001/instances?includeDetails=true", Subject.REPORT),
        ("/analytics/reports/00O5g0000000001/instances/0LG5g0000000001", Subject.REPORT_RUN),
        ("/limits", Subject.ORG),
        ("/query?q=SELECT", Subject.ORG),
        ("/services/data/v64.0/query/01g-2000", Subject.ORG),
    ],
)
def test_path_says_what_a_request_is_about(path, subject):
    """And so whether advice is about a report, a query or the org."""
    assert subject_of(path) is subject


@pytest.mark.parametrize(
    ("status", "page", "kind"),
    [
        (403, b"<html><title>Blocked</title><p>Your organisation blocks this site.</p></html>", ErrorKind.FORBIDDEN),
        (403, b"<html><p>Insufficient Privileges</p></html>", ErrorKind.FORBIDDEN),
        (400, b"<html><input type=password></html>", ErrorKind.AUTH),
        (404, b"<html><title>Not Found</title></html>", ErrorKind.NOT_FOUND),
        (503, b"<html><input type=password></html>", ErrorKind.SERVER),
    ],
)
def test_page_with_an_error_status_is_judged_by_its_words(status, page, kind):
    """A gateway's page is no missing permission of the report's folder."""
    error = error_of(FullResponse(status, {}, "https://acme.my.salesforce.com/x", page), Subject.QUERY)

    assert (error.kind, error.http_status) == (kind, status)


def test_patience_ends_when_its_time_is_over(tmp_path, monkeypatch):
    """Waits that the server names do not add up without end."""
    monkeypatch.setattr("sfr.salesforce.rest.RETRY_WINDOW_S", 0.0)
    with RawServer(in_turn(response(503))) as server, exchange_with(server.url, tmp_path) as exchange:
        api = RestApi.of(exchange)
        with pytest.raises(ReportError):
            api.with_retries(lambda: api.call("GET", "/one"))

    assert len(server.received) == 1


def test_patience_ends_when_the_run_is_stopped(tmp_path, monkeypatch):
    """A stop does not wait for the next try."""
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 60.0)
    with RawServer(in_turn(response(503))) as server, exchange_with(server.url, tmp_path) as exchange:
        api = RestApi.of(exchange)
        threading.Timer(0.2, exchange.transport.abort).start()
        with pytest.raises(ReportError) as caught:
            api.with_retries(lambda: api.call("GET", "/one"))

    assert caught.value.kind is ErrorKind.INTERRUPTED
