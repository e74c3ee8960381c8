"""sfr.salesforce.statuses: HTTP statuses and Salesforce's own words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind
from sfr.salesforce.fault_rules import Subject
from sfr.salesforce.statuses import Fault, retry_after_s, salesforce_fault, status_error

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable"),
    [
        (400, ErrorKind.NOT_CSV, False),
        (401, ErrorKind.AUTH, False),
        (403, ErrorKind.FORBIDDEN, False),
        (404, ErrorKind.NOT_FOUND, False),
        (408, ErrorKind.TIMEOUT, True),
        (410, ErrorKind.NOT_FOUND, False),
        (418, ErrorKind.NOT_CSV, False),
        (420, ErrorKind.SERVER, True),
        (425, ErrorKind.SERVER, True),
        (429, ErrorKind.RATE_LIMITED, True),
        (500, ErrorKind.SERVER, True),
        (503, ErrorKind.SERVER, True),
        (599, ErrorKind.SERVER, True),
    ],
)
def test_status_error_has_kind_and_whether_to_retry(status: int, kind: ErrorKind, is_retryable: bool) -> None:
    """Contract §5's table."""
    error = status_error(status, {}, "")
    assert (error.kind, error.is_retryable, error.http_status) == (kind, is_retryable, status)
    assert str(status) in error.message


def test_status_403_is_a_limit_when_salesforce_says_so() -> None:
    """REQUEST_LIMIT_EXCEEDED is worth waiting for."""
    body = '[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]'
    error = status_error(403, {"Retry-After": "7"}, body)
    assert (error.kind, error.is_retryable, error.retry_after_s) == (ErrorKind.RATE_LIMITED, True, 7.0)


@pytest.mark.parametrize(
    ("message", "permanent"),
    [
        ("Session expired or invalid", False),
        ("This session is not valid for use with the REST API", True),
        ("Connected app is not attached to Agent", True),
    ],
)
def test_status_401_is_permanent_when_no_renewal_can_fix_it(message: str, permanent: bool) -> None:
    """Renewing on these would log in for nothing."""
    error = status_error(401, {}, f'[{{"message":"{message}","errorCode":"INVALID_SESSION_ID"}}]')
    assert (error.kind, error.permanent) == (ErrorKind.AUTH, permanent)
    assert message in error.message


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('[{"message":"gone","errorCode":"NOT_FOUND"}]', Fault("NOT_FOUND", "gone")),
        ('{"error":"invalid_grant","error_description":"no"}', Fault("invalid_grant", "no")),
        ('{"error":"invalid_grant"}', Fault("invalid_grant", "")),
        ('[{"message":"only"}]', Fault("", "only")),
        ("[]", None),
        ("{}", None),
        ("7", None),
        ('[{"message":7,"errorCode":null}]', None),
        ("<html>", None),
        ("", None),
        ("[" * 100_000, None),
    ],
)
def test_salesforce_fault_reads_both_forms(body: str, expected: Fault | None) -> None:
    """The array of REST, the object of OAuth, and nothing of anything else."""
    assert salesforce_fault(body) == expected


def test_status_error_escapes_and_cuts_what_it_quotes() -> None:
    """A terminal never acts on a server's text, and a log line stays one."""
    body = '{"error":"x","error_description":"\\u001b[31m\\n' + "y" * 5000 + '"}'
    message = status_error(400, {}, body).message
    assert "\x1b" not in message
    assert "\n" not in message
    assert len(message) < 400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2", 2.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("-5", 0.0),
        ("86400", 86400.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 12:00:30 -0000", 30.0),
        ("soon", None),
        ("1e3", None),
        ("nan", None),
        ("9" * 400, None),
        ("Mon, 99 Nov 99999 12:00:30 GMT", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_reads_seconds_and_dates(value: str | None, expected: float | None) -> None:
    """Both forms of RFC 9110; junk is ignored, the past is now."""
    assert retry_after_s(value, NOW) == expected


def test_retry_after_date_counts_from_the_answers_own_date() -> None:
    """A clock of this machine that is wrong by years changes no wait."""
    headers = {"Retry-After": "Wed, 21 Oct 2015 07:28:30 GMT", "Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert status_error(503, headers, "").retry_after_s == 30.0


@given(st.text())
def test_retry_after_takes_any_text(value: str) -> None:
    """Whatever a server sends, it is a wait or nothing."""
    wait_s = retry_after_s(value, NOW)
    assert wait_s is None or wait_s >= 0


@pytest.mark.parametrize("subject", [Subject.EXPORT, Subject.REPORT_RUN, Subject.QUERY])
@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (404, "upstream connect error or disconnect/reset before headers. reset reason: overflow", ErrorKind.SERVER),
        (404, "no healthy upstream", ErrorKind.SERVER),
        (400, "An internal server error has occurred\n", ErrorKind.SERVER),
        (403, "Please retry your request", ErrorKind.SERVER),
        (404, "Too many requests", ErrorKind.RATE_LIMITED),
        (406, "Service Unavailable", ErrorKind.SERVER),
    ],
)
def test_plain_text_of_a_transient_fault_outweighs_a_final_status(
    subject: Subject, status: int, text: str, kind: ErrorKind
) -> None:
    """An answer means what its text says; it is quoted, and may be a gateway's."""
    error = status_error(status, {}, text, subject=subject)

    assert (error.kind, error.is_retryable) == (kind, True)
    assert text.strip() in error.message
    assert "gateway" in error.message


@pytest.mark.parametrize(("status", "kind"), [(403, ErrorKind.FORBIDDEN), (404, ErrorKind.NOT_FOUND)])
def test_plain_text_with_a_final_status_is_quoted_and_leads_to_the_gateway_first(status: int, kind: ErrorKind) -> None:
    """Salesforce says in JSON or HTML who may not see a report."""
    error = status_error(status, {}, "RBAC: access denied")

    assert (error.kind, error.is_retryable) == (kind, False)
    assert "'RBAC: access denied'" in error.message
    assert error.remedy.startswith("Look for a proxy")


@pytest.mark.parametrize("body", ["<html>no</html>", '{"x": 1}', "PK\x03\x04\x00", " \n"])
def test_body_that_is_no_plain_text_is_not_quoted(body: str) -> None:
    """Pages are for `web_pages`; binary data says nothing."""
    assert status_error(404, {}, body).message == "Salesforce responded with status 404."
