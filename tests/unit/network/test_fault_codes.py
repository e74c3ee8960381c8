"""sfr.network.fault_codes: the table of Salesforce's error codes, and what is said of each."""

from __future__ import annotations

import json
import re

import pytest

from sfr.errors import REMEDIES, ErrorKind
from sfr.network.fault_codes import FAULT_RULES, rule_for, rule_in
from sfr.network.fault_rules import FaultRule, RunsSpentError, Subject, normalised
from sfr.network.statuses import status_error

#: Advice that is about reports, and so wrong for a query.
ABOUT_REPORTS = ("report id", "report's folder", "report's filters", "route: classic")
CODED = [(code, rule) for rule in FAULT_RULES for code in sorted(rule.codes)]


def body(code: str, message: str) -> str:
    """An error of the REST API."""
    return json.dumps([{"errorCode": code, "message": message}])


@pytest.mark.parametrize("rule", FAULT_RULES, ids=lambda rule: f"{rule.kind}-{'-'.join(sorted(rule.codes))[:40]}")
def test_rule_is_well_formed(rule: FaultRule) -> None:
    """Something recognises it, its codes are normalised, and its advice and its retries fit its kind."""
    assert rule.codes or rule.text
    assert all(code == normalised(code) for code in rule.codes)
    re.compile(rule.text)
    assert rule.subjects
    assert not rule.is_transient or rule.kind in (
        ErrorKind.SERVER,
        ErrorKind.TIMEOUT,
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
    )
    assert not rule.lead.endswith((".", ";"))
    assert not rule.remedy or rule.remedy.endswith(".")


@pytest.mark.parametrize("rule", FAULT_RULES, ids=lambda rule: f"{rule.kind}-{'-'.join(sorted(rule.codes))[:40]}")
def test_rule_gives_a_query_no_advice_about_reports(rule: FaultRule) -> None:
    """A query has no id, no folder and no other route."""
    if Subject.QUERY in rule.subjects and rule.error is not RunsSpentError:
        remedy = rule.remedy_for(Subject.QUERY) or REMEDIES[rule.kind]
        assert not any(words in remedy for words in ABOUT_REPORTS)


@pytest.mark.parametrize("status", [400, 403, 404, 406, 500, 503])
@pytest.mark.parametrize(("code", "rule"), [(code, rule) for code, rule in CODED if not rule.text])
def test_code_decides_whatever_the_status(code: str, rule: FaultRule, status: int) -> None:
    """The same code means the same with 400 as with 503, and its own words are quoted."""
    subject = Subject.QUERY if Subject.QUERY in rule.subjects else Subject.REPORT
    error = status_error(status, {}, body(code, "words of the server"), subject=subject)

    assert (error.kind, error.permanent, error.http_status) == (rule.kind, not rule.is_transient, status)
    assert "words of the server" in error.message


@pytest.mark.parametrize("code", ["InvalidJobState", "INVALIDJOBSTATE", "INVALID_JOB_STATE", "invalidJobState"])
def test_code_is_known_in_each_spelling(code: str) -> None:
    """The APIs do not agree on one."""
    rule = rule_for(code, "", Subject.QUERY_JOB)
    assert rule is not None
    assert rule.kind is ErrorKind.SERVER


@pytest.mark.parametrize(
    ("status", "code", "message", "subject", "kind", "is_retryable", "words"),
    [
        (403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "x", Subject.ORG, ErrorKind.AUTH, False, "set a new one"),
        (403, "FORBIDDEN", "You must change your password", Subject.EXPORT, ErrorKind.AUTH, False, "browser"),
        (401, "FORBIDDEN", "Accept the Terms of Service first", Subject.REPORT, ErrorKind.AUTH, False, "browser"),
        (403, "LOGIN_CHALLENGE_ISSUED", "x", Subject.ORG, ErrorKind.AUTH, False, "browser"),
        (403, "ORG_LOCKED", "x", Subject.ORG, ErrorKind.AUTH, False, "locked"),
        (400, "InvalidSessionId", "Session expired", Subject.QUERY, ErrorKind.AUTH, False, "Session expired"),
        (400, "TXN_SECURITY_METERING_ERROR", "x", Subject.REPORT, ErrorKind.SERVER, True, "Exempt from"),
        (503, "SERVER_UNAVAILABLE", "x", Subject.EXPORT, ErrorKind.SERVER, True, "status 503"),
        (400, "REQUEST_RUNNING_TOO_LONG", "x", Subject.REPORT, ErrorKind.SERVER, True, "status 400"),
        (400, "NEW_CODE", "Please retry your request", Subject.QUERY, ErrorKind.SERVER, True, "retry"),
        (400, "QUERY_TIMEOUT", "too long", Subject.REPORT, ErrorKind.TIMEOUT, True, "ran out of time"),
        (500, "QUERY_TIMEOUT", "too long", Subject.QUERY, ErrorKind.TIMEOUT, True, "WHERE"),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", Subject.REPORT,
         ErrorKind.RATE_LIMITED, True, "at once"),
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", Subject.QUERY,
         ErrorKind.RATE_LIMITED, True, "24 hours"),
        (400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached", Subject.QUERY,
         ErrorKind.RATE_LIMITED, False, "daily quota"),
        (400, "LIMIT_EXCEEDED", "the daily allocation is used", Subject.REPORT, ErrorKind.RATE_LIMITED, False, "daily"),
        (400, "LIMIT_EXCEEDED", "an array has too many items", Subject.REPORT, ErrorKind.INVALID, False, "array"),
        (501, "NOT_IMPLEMENTED", "The report is not runnable by the API", Subject.REPORT,
         ErrorKind.INVALID, False, "route: classic"),
        (501, "", "", Subject.REPORT, ErrorKind.INVALID, False, "route: classic"),
        (501, "", "", Subject.QUERY, ErrorKind.SERVER, False, "proxy"),
        (501, "", "", Subject.EXPORT, ErrorKind.SERVER, False, "proxy"),
        (410, "UNSUPPORTED_API_VERSION", "x", Subject.REPORT, ErrorKind.NOT_FOUND, False, "salesforce.api_version"),
        (410, "UNSUPPORTED_API_VERSION", "x", Subject.ORG, ErrorKind.NOT_FOUND, False, "salesforce.api_version"),
        (403, "API_DISABLED_FOR_ORG", "x", Subject.QUERY, ErrorKind.FORBIDDEN, False, "API Enabled"),
        (403, "INSUFFICIENT_ACCESS", "x", Subject.QUERY, ErrorKind.FORBIDDEN, False, "object"),
        (403, "INSUFFICIENT_ACCESS", "x", Subject.REPORT, ErrorKind.FORBIDDEN, False, "folder"),
        (403, "FUNCTIONALITY_NOT_ENABLED", "x", Subject.QUERY, ErrorKind.FORBIDDEN, False, "permission"),
        (404, "NOT_FOUND", "x", Subject.REPORT, ErrorKind.NOT_FOUND, False, "report id"),
        (404, "NOT_FOUND", "x", Subject.QUERY, ErrorKind.NOT_FOUND, False, "fields"),
        (404, "NOT_FOUND", "x", Subject.QUERY_JOB, ErrorKind.SERVER, True, "status 404"),
        (404, "NOT_FOUND", "x", Subject.REPORT_RUN, ErrorKind.SERVER, True, "status 404"),
        (400, "INVALID_TYPE", "sObject type 'LoginFlow' is not supported", Subject.QUERY,
         ErrorKind.INVALID, False, "soql"),
        (400, "MALFORMED_QUERY", "WHERE Name = 'timed out'", Subject.QUERY, ErrorKind.INVALID, False, "soql"),
        (400, "BAD_REQUEST", "No such column 'Timeout__c'", Subject.QUERY, ErrorKind.INVALID, False, "soql"),
    ],
)  # fmt: skip
def test_fault_ends_as_what_its_code_or_words_say(
    status: int, code: str, message: str, subject: Subject, kind: ErrorKind, is_retryable: bool, words: str
) -> None:
    """Kind, whether another attempt follows, and the key words of what is said about it."""
    error = status_error(status, {}, body(code, message) if code else "", subject=subject)

    assert (error.kind, error.is_retryable, error.http_status) == (kind, is_retryable, status)
    assert words in str(error)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("QUERY_TIMEOUT: Your query request was running for too long.", ErrorKind.TIMEOUT),
        ("InvalidBatch : Failed to process query: QUERY_TIMEOUT: x", ErrorKind.TIMEOUT),
        ("InvalidBatch : Failed to process query: FUNCTIONALITY_NOT_ENABLED: x", ErrorKind.FORBIDDEN),
        ("Unable to complete the creation of the query cursor at this time", ErrorKind.SERVER),
        ("Failed while fetching query cursor data for this QueryLocator", ErrorKind.SERVER),
        ("InternalServerError : Retried more than thirty times", ErrorKind.TIMEOUT),
        ("InternalServerError : something", ErrorKind.SERVER),
        ("MALFORMED_QUERY: SELECT Id FROM Log__c WHERE Code__c = 'UNKNOWN_EXCEPTION'", ErrorKind.INVALID),
        ("The job was stopped.", None),
        ("", None),
    ],
)
def test_text_is_judged_by_the_first_code_that_it_names(text: str, kind: ErrorKind | None) -> None:
    """As the message of a failed job does; what follows a code may be the user's own query."""
    rule = rule_in(text, Subject.QUERY)
    assert (rule.kind if rule else None) == kind


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ("<h1>Bad Message 400</h1><pre>reason: Bad Request</pre>", ErrorKind.SERVER),
        ("Unexpected internal servlet state", ErrorKind.SERVER),
        ("", ErrorKind.SERVER),
        ("<html>Blocked. See our terms of use.</html>", ErrorKind.INVALID),
    ],
)
def test_status_400_without_json_passes_only_where_its_words_say_so_or_it_has_none(page: str, kind: ErrorKind) -> None:
    """The words of a gateway's page never end a run as a refused log-in."""
    assert status_error(400, {}, page, subject=Subject.QUERY).kind is kind
    of_export = ErrorKind.NOT_CSV if not page or page.startswith("<") else kind
    assert status_error(400, {}, page).kind is of_export, "an export's pages are for `web_pages`"


def test_fault_in_the_form_of_the_older_bulk_api_is_read() -> None:
    """`exceptionCode`, `exceptionMessage`."""
    error = status_error(
        400, {}, '{"exceptionCode":"ExceededQuota","exceptionMessage":"too many"}', subject=Subject.QUERY
    )
    assert (error.kind, error.permanent) == (ErrorKind.RATE_LIMITED, True)
