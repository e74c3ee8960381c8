"""Query jobs against a server that fails in every way."""

import gzip
import json
import re
from dataclasses import dataclass, field, replace

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.rest import JOB_TRIES
from sfr.salesforce.routes import bulk_query
from tests.connector_exchange import exchange_with, report, text_of
from tests.raw_server import RawServer, Reply, response

SOQL = "SELECT Id, Name FROM Account"
HEADER = b'"Id","Name"\n'
PAGES = {
    "": (b'"1","a"\n"2","line\nbreak"\n', "two", 2),
    "two": (b'"3","q""q"\n', "three", 1),
    "three": (b'"4","d"\n', "null", 1),
}
JOB_ID = "7505g0000000001AAA"


@dataclass
class Job:
    """A job as Salesforce has it. pages: replies to give instead of a page, by locator, first come first."""

    states: list = field(default_factory=lambda: [{"state": "InProgress"}, {"state": "JobComplete"}])
    instead: dict = field(default_factory=dict)
    creation: bytes = response(200, json.dumps({"id": JOB_ID, "state": "UploadComplete"}).encode())

    def answer(self, request):
        if request.method == "POST":
            return Reply([self.creation], "keep")
        if request.method in ("DELETE", "PATCH"):
            return Reply(
                [response(204 if request.method == "DELETE" else 200, b"" if request.method == "DELETE" else b"{}")],
                "keep",
            )
        if "/results" not in request.target:
            facts = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return Reply([response(200, json.dumps({"id": JOB_ID, **facts}).encode())], "keep")
        found = re.search(r"locator=(\w+)", request.target)
        locator = found[1] if found else ""
        if self.instead.get(locator):
            return self.instead[locator].pop(0)
        rows, following, count = PAGES[locator]
        return Reply([page(HEADER + rows, following, count)], "keep")


def page(body, locator, count):
    """A page of results."""
    return response(
        200,
        gzip.compress(body, mtime=0),
        Content_Type="text/csv",
        Content_Encoding="gzip",
        Sforce_Locator=locator,
        Sforce_NumberOfRecords=str(count),
    )


def fetched(job, directory, soql=SOQL):
    """What a job returns, and the requests that it took."""
    with RawServer(job.answer) as server, exchange_with(server.url, directory) as exchange:
        received = bulk_query.fetch(replace(exchange, report=report(soql=soql)))
        assert received.has_footer is False
        return text_of(exchange), server.received


def refused(job, directory, soql=SOQL):
    """The error of a job, and the requests that it took."""
    with (
        RawServer(job.answer) as server,
        exchange_with(server.url, directory) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        bulk_query.fetch(replace(exchange, report=report(soql=soql)))
    return caught.value, server.received


WHOLE = HEADER + b"".join(rows for rows, _, _ in PAGES.values())


def test_pages_become_one_csv_with_one_header(tmp_path):
    """Created, polled, fetched page by page, deleted."""
    text, received = fetched(Job(), tmp_path)

    assert text == WHOLE
    assert [one.method for one in received] == ["POST", "GET", "GET", "GET", "GET", "GET", "DELETE"]
    assert json.loads(received[0].body)["query"] == SOQL
    assert json.loads(received[0].body)["lineEnding"] == "LF"


@pytest.mark.parametrize("sent_bytes", [150, 215, 225])
def test_page_that_breaks_off_is_fetched_again_without_doubling_rows(sent_bytes, tmp_path):
    """Wherever it broke: what had come is skipped, what follows is written."""
    rows, following, count = PAGES["two"]
    whole = response(
        200, HEADER + rows, Content_Type="text/csv", Sforce_Locator=following, Sforce_NumberOfRecords=str(count)
    )
    assert sent_bytes < len(whole) + 100
    broken = Reply([whole[: min(sent_bytes, len(whole) - 1)]], "reset")

    text, received = fetched(Job(instead={"two": [broken, broken]}), tmp_path)

    assert text == WHOLE
    assert len(received) == 9


def test_page_that_changed_while_it_was_fetched_fails(tmp_path):
    """Rows that came cannot be taken back: what follows must fit to them."""
    body = HEADER + b'"3","was"\n' + b'"5","x"\n' * 1000
    cut = response(200, body, Sforce_Locator="null", Sforce_NumberOfRecords="1001")[:-5]
    other = page(HEADER + b'"3","now"\n' + b'"5","x"\n' * 1000, "null", 1001)

    error, _ = refused(Job(instead={"two": [Reply([cut], "close")] + [Reply([other], "keep")] * 5}), tmp_path)

    assert error.kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (HEADER, "contains 0"),
        (HEADER + b'"3","c"\n"3b","x"\n', "contains 2"),
        (HEADER + b'"3","c', "inside a quoted cell"),
        (b'"Id","Other"\n"3","c"\n', "different headers"),
    ],
)
def test_page_that_is_not_what_it_says_fails(body, what, tmp_path):
    """Counted against `Sforce-NumberOfRecords`, page by page."""
    error, received = refused(Job(instead={"two": [Reply([page(body, "three", 1)], "keep")] * 9}), tmp_path)

    assert error.kind is ErrorKind.TRUNCATED
    assert what in error.message
    assert "proxy" in error.remedy, "advice for exports of reports would be no help"
    assert received[-1].method == "DELETE"


def test_result_that_lacks_records_of_the_job_fails(tmp_path):
    """The job's own count is the last word."""
    error, _ = refused(Job(states=[{"state": "JobComplete", "numberRecordsProcessed": 5}]), tmp_path)

    assert error.kind is ErrorKind.TRUNCATED
    assert "5 records" in error.message


def test_query_refused_at_once_is_invalid_and_explained(tmp_path):
    """Salesforce's own words, and what to do; no job is left to delete."""
    fault = json.dumps([{"errorCode": "MALFORMED_QUERY", "message": "unexpected token: 'FRM'"}]).encode()

    error, received = refused(Job(creation=response(400, fault)), tmp_path)

    assert error.kind is ErrorKind.INVALID
    assert "unexpected token: 'FRM'" in error.message
    assert "soql" in error.remedy
    assert len(received) == 1


@pytest.mark.parametrize(
    ("facts", "kind", "is_retryable"),
    [
        ({"state": "Failed", "errorMessage": "INVALID_FIELD: No such column 'Nope'"}, ErrorKind.INVALID, False),
        ({"state": "Failed", "errorMessage": "QUERY_TIMEOUT: took too long"}, ErrorKind.TIMEOUT, True),
        (
            {"state": "Failed", "errorMessage": "InvalidBatch : Failed to process query: QUERY_TIMEOUT: too slow"},
            ErrorKind.TIMEOUT,
            True,
        ),
        (
            {"state": "Failed", "errorMessage": "Failed while fetching query cursor data for this QueryLocator."},
            ErrorKind.SERVER,
            True,
        ),
        (
            {"state": "Failed", "errorMessage": "InternalServerError : Retried more than fifteen times"},
            ErrorKind.TIMEOUT,
            True,
        ),
        (
            {"state": "Failed", "errorMessage": "MALFORMED_QUERY: WHERE Code__c = 'SERVER_UNAVAILABLE' ^ ERROR"},
            ErrorKind.INVALID,
            False,
        ),
        ({"state": "Failed", "errorMessage": "LIMIT_EXCEEDED: 24 hours"}, ErrorKind.RATE_LIMITED, False),
        ({"state": "Failed"}, ErrorKind.INVALID, False),
        ({"state": "Aborted"}, ErrorKind.SERVER, False),
        ({"state": "Vanished"}, ErrorKind.NOT_CSV, False),
    ],
)
def test_job_that_ends_badly_is_explained_and_deleted(facts, kind, is_retryable, tmp_path):
    """With Salesforce's message; a query that timed out may be run again."""
    error, received = refused(Job(states=[facts]), tmp_path)

    assert (error.kind, error.is_retryable) == (kind, is_retryable)
    assert facts.get("errorMessage", "") in error.message
    assert [one.method for one in received] == ["POST", "GET", "DELETE"]


def test_job_that_still_works_is_aborted_before_it_is_deleted(tmp_path):
    """Salesforce deletes no working job."""
    with (
        RawServer(Job(states=[{"state": "InProgress"}]).answer) as server,
        exchange_with(server.url, tmp_path, timeout_s=0.6) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        bulk_query.fetch(replace(exchange, report=report(soql=SOQL)))

    assert caught.value.kind is ErrorKind.TIMEOUT
    assert [one.method for one in server.received][-2:] == ["PATCH", "DELETE"]


def test_failed_deletion_does_not_matter(tmp_path):
    """The data are here; Salesforce deletes the job by itself."""
    job = Job()
    answer = job.answer
    job.answer = lambda request: Reply([response(500)], "keep") if request.method == "DELETE" else answer(request)

    assert fetched(job, tmp_path)[0] == WHOLE


@pytest.mark.parametrize("body", [HEADER, b"", b"\n"])
def test_result_without_records_has_a_header(body, tmp_path):
    """Salesforce's own, or the query's fields."""
    text, _ = fetched(Job(instead={"": [Reply([page(body, "null", 0)], "keep")]}), tmp_path)

    assert text == HEADER


def test_results_with_circular_locators_end(tmp_path):
    """A locator that came before is no next page."""
    rows, _, count = PAGES["three"]
    again = Reply([page(HEADER + rows, "two", count)], "keep")

    error, _ = refused(Job(instead={"three": [again]}), tmp_path)

    assert "loop" in error.message


def rest_fault(status, code, message=""):
    """An error of the REST API."""
    return Reply([response(status, json.dumps([{"errorCode": code, "message": message}]).encode())], "keep")


@pytest.mark.parametrize(
    ("reply", "kind", "is_retryable", "words"),
    [
        (rest_fault(400, "TXN_SECURITY_METERING_ERROR"), ErrorKind.SERVER, True, "Exempt from Transaction Security"),
        (rest_fault(400, "UNKNOWN_EXCEPTION"), ErrorKind.SERVER, True, "UNKNOWN_EXCEPTION"),
        (rest_fault(404, "SERVER_UNAVAILABLE"), ErrorKind.SERVER, True, "SERVER_UNAVAILABLE"),
        (rest_fault(400, "UNABLE_TO_LOCK_ROW"), ErrorKind.SERVER, True, "UNABLE_TO_LOCK_ROW"),
        (Reply([response(400)], "keep"), ErrorKind.SERVER, True, "status 400"),
        (Reply([response(406)], "keep"), ErrorKind.SERVER, True, "status 406"),
        (
            Reply([response(400, b"<html><h1>Bad Message 400</h1><pre>reason: Bad Request</pre></html>")], "keep"),
            ErrorKind.SERVER,
            True,
            "status 400",
        ),
        (
            rest_fault(400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (10000) per 24 hrs has been reached"),
            ErrorKind.RATE_LIMITED,
            False,
            "daily quota",
        ),
        (rest_fault(400, "ExceededQuota", "too many jobs"), ErrorKind.RATE_LIMITED, False, "daily quota"),
        (
            rest_fault(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests Limit exceeded."),
            ErrorKind.RATE_LIMITED,
            True,
            "concurrent requests",
        ),
        (rest_fault(400, "QUERY_TIMEOUT"), ErrorKind.TIMEOUT, True, "WHERE"),
        (rest_fault(404, "NOT_FOUND"), ErrorKind.NOT_FOUND, False, "permission"),
        (rest_fault(410, "GONE"), ErrorKind.NOT_FOUND, False, "salesforce.api_version"),
        (rest_fault(410, "UNSUPPORTED_API_VERSION"), ErrorKind.NOT_FOUND, False, "salesforce.api_version"),
        (rest_fault(403, "FUNCTIONALITY_NOT_ENABLED"), ErrorKind.FORBIDDEN, False, "object"),
        (rest_fault(403, "INSUFFICIENT_ACCESS"), ErrorKind.FORBIDDEN, False, "fields"),
        (rest_fault(400, "INVALID_FIELD"), ErrorKind.INVALID, False, "soql"),
        (
            rest_fault(400, "FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query"),
            ErrorKind.INVALID,
            False,
            "BillingCity",
        ),
        (rest_fault(403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD"), ErrorKind.AUTH, False, "password has expired"),
    ],
)
def test_creation_that_is_refused_says_what_the_code_means(reply, kind, is_retryable, words, tmp_path):
    """The code decides, not the status; nothing advises on report ids and folders."""
    error, received = refused(Job(creation=reply.pieces[0]), tmp_path)

    assert (error.kind, error.is_retryable) == (kind, is_retryable)
    assert words in str(error)
    assert "report id" not in str(error)
    assert "folder" not in str(error)
    assert [one.method for one in received] == ["POST"], "creating a job again is for the ledger"


TRANSIENT = [
    rest_fault(400, "TXN_SECURITY_METERING_ERROR"),
    rest_fault(400, "INVALIDJOBSTATE"),
    rest_fault(400, "INVALID_QUERY_LOCATOR"),
    rest_fault(400, "SOMETHING_NEW"),
    rest_fault(404, "NOT_FOUND"),
    Reply([response(404, b"<html><head><title>URL No Longer Exists</title></head></html>")], "keep"),
    Reply([response(404)], "keep"),
    Reply([response(406)], "keep"),
    rest_fault(500, "UNKNOWN_EXCEPTION"),
]


@pytest.mark.parametrize("reply", TRANSIENT)
def test_page_that_is_refused_for_a_moment_is_fetched_again(reply, tmp_path):
    """The job is finished: the same page again, no new job."""
    text, received = fetched(Job(instead={"two": [reply, reply]}), tmp_path)

    assert text == WHOLE
    assert [one.method for one in received].count("POST") == 1
    assert sum("locator=two" in one.target for one in received) == 3


@pytest.mark.parametrize("reply", TRANSIENT)
def test_poll_that_is_refused_for_a_moment_is_repeated(reply, tmp_path):
    """The job continues meanwhile."""
    job, polls = Job(), []
    answer = job.answer

    def with_a_bad_poll(request):
        if request.method == "GET" and "/results" not in request.target:
            polls.append(request)
            if len(polls) in (2, 3):
                return reply
        return answer(request)

    job.answer = with_a_bad_poll
    text, received = fetched(job, tmp_path)

    assert text == WHOLE
    assert [one.method for one in received].count("POST") == 1


def test_page_that_stays_refused_ends_as_server_after_a_bounded_number_of_tries(tmp_path):
    """Then a new job may return it, which is the next attempt's."""
    error, received = refused(Job(instead={"two": [rest_fault(404, "NOT_FOUND")] * 50}), tmp_path)

    assert (error.kind, error.is_retryable) == (ErrorKind.SERVER, True)
    assert sum("locator=two" in one.target for one in received) == JOB_TRIES
    assert received[-1].method == "DELETE"


def test_page_that_is_forbidden_is_not_repeated(tmp_path):
    """A lack of permission is no transient refusal."""
    error, received = refused(Job(instead={"two": [rest_fault(403, "INSUFFICIENT_ACCESS")] * 9}), tmp_path)

    assert error.kind is ErrorKind.FORBIDDEN
    assert sum("locator=two" in one.target for one in received) == 1
