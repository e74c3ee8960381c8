"""Query jobs against a server that fails in every way."""

import gzip
import json
import re
from dataclasses import dataclass, field, replace

import pytest

from sfr.errors import ErrorKind, ReportError
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

    def answer(self, asked):
        if asked.method == "POST":
            return Reply([self.creation], "keep")
        if asked.method in ("DELETE", "PATCH"):
            return Reply(
                [response(204 if asked.method == "DELETE" else 200, b"" if asked.method == "DELETE" else b"{}")], "keep"
            )
        if "/results" not in asked.target:
            facts = self.states.pop(0) if len(self.states) > 1 else self.states[0]
            return Reply([response(200, json.dumps({"id": JOB_ID, **facts}).encode())], "keep")
        found = re.search(r"locator=(\w+)", asked.target)
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
    """What a job brings, and the requests that it took."""
    with RawServer(job.answer) as server, exchange_with(server.url, directory) as exchange:
        received = bulk_query.fetch(replace(exchange, report=report(soql=soql)))
        assert received.has_footer is False
        return text_of(exchange), server.asked


def refused(job, directory, soql=SOQL):
    """The error of a job, and the requests that it took."""
    with (
        RawServer(job.answer) as server,
        exchange_with(server.url, directory) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        bulk_query.fetch(replace(exchange, report=report(soql=soql)))
    return caught.value, server.asked


WHOLE = HEADER + b"".join(rows for rows, _, _ in PAGES.values())


def test_pages_become_one_csv_with_one_header(tmp_path):
    """Created, polled, fetched page by page, deleted."""
    text, asked = fetched(Job(), tmp_path)

    assert text == WHOLE
    assert [one.method for one in asked] == ["POST", "GET", "GET", "GET", "GET", "GET", "DELETE"]
    assert json.loads(asked[0].body)["query"] == SOQL
    assert json.loads(asked[0].body)["lineEnding"] == "LF"


@pytest.mark.parametrize("sent_bytes", [150, 215, 225])
def test_page_that_breaks_off_is_fetched_again_without_doubling_rows(sent_bytes, tmp_path):
    """Wherever it broke: what had come is skipped, what follows is written."""
    rows, following, count = PAGES["two"]
    whole = response(
        200, HEADER + rows, Content_Type="text/csv", Sforce_Locator=following, Sforce_NumberOfRecords=str(count)
    )
    assert sent_bytes < len(whole) + 100
    broken = Reply([whole[: min(sent_bytes, len(whole) - 1)]], "reset")

    text, asked = fetched(Job(instead={"two": [broken, broken]}), tmp_path)

    assert text == WHOLE
    assert len(asked) == 9


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
        (HEADER, "holds 0"),
        (HEADER + b'"3","c"\n"3b","x"\n', "holds 2"),
        (HEADER + b'"3","c', "inside a quoted cell"),
        (b'"Id","Other"\n"3","c"\n', "different headers"),
    ],
)
def test_page_that_is_not_what_it_says_fails(body, what, tmp_path):
    """Counted against `Sforce-NumberOfRecords`, page by page."""
    error, asked = refused(Job(instead={"two": [Reply([page(body, "three", 1)], "keep")] * 9}), tmp_path)

    assert error.kind is ErrorKind.TRUNCATED
    assert what in error.message
    assert "proxy" in error.remedy, "advice for exports of reports would be no help"
    assert asked[-1].method == "DELETE"


def test_result_that_lacks_records_of_the_job_fails(tmp_path):
    """The job's own count is the last word."""
    error, _ = refused(Job(states=[{"state": "JobComplete", "numberRecordsProcessed": 5}]), tmp_path)

    assert error.kind is ErrorKind.TRUNCATED
    assert "5 records" in error.message


def test_query_refused_at_once_is_invalid_and_explained(tmp_path):
    """Salesforce's own words, and what to do; no job is left to delete."""
    fault = json.dumps([{"errorCode": "MALFORMED_QUERY", "message": "unexpected token: 'FRM'"}]).encode()

    error, asked = refused(Job(creation=response(400, fault)), tmp_path)

    assert error.kind is ErrorKind.INVALID
    assert "unexpected token: 'FRM'" in error.message
    assert "soql" in error.remedy
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("facts", "kind", "is_retryable"),
    [
        ({"state": "Failed", "errorMessage": "INVALID_FIELD: No such column 'Nope'"}, ErrorKind.INVALID, False),
        ({"state": "Failed", "errorMessage": "QUERY_TIMEOUT: took too long"}, ErrorKind.SERVER, True),
        ({"state": "Failed"}, ErrorKind.INVALID, False),
        ({"state": "Aborted"}, ErrorKind.SERVER, False),
        ({"state": "Vanished"}, ErrorKind.NOT_CSV, False),
    ],
)
def test_job_that_ends_badly_is_explained_and_deleted(facts, kind, is_retryable, tmp_path):
    """With Salesforce's message; a query that timed out may be asked again."""
    error, asked = refused(Job(states=[facts]), tmp_path)

    assert (error.kind, error.is_retryable) == (kind, is_retryable)
    assert facts.get("errorMessage", "") in error.message
    assert [one.method for one in asked] == ["POST", "GET", "DELETE"]


def test_job_that_still_works_is_aborted_before_it_is_deleted(tmp_path):
    """Salesforce deletes no working job."""
    with (
        RawServer(Job(states=[{"state": "InProgress"}]).answer) as server,
        exchange_with(server.url, tmp_path, timeout_s=0.6) as exchange,
        pytest.raises(ReportError) as caught,
    ):
        bulk_query.fetch(replace(exchange, report=report(soql=SOQL)))

    assert caught.value.kind is ErrorKind.TIMEOUT
    assert [one.method for one in server.asked][-2:] == ["PATCH", "DELETE"]


def test_failed_deletion_does_not_matter(tmp_path):
    """The data are here; Salesforce deletes the job by itself."""
    job = Job()
    answer = job.answer
    job.answer = lambda asked: Reply([response(500)], "keep") if asked.method == "DELETE" else answer(asked)

    assert fetched(job, tmp_path)[0] == WHOLE


@pytest.mark.parametrize("body", [HEADER, b"", b"\n"])
def test_result_without_records_has_a_header(body, tmp_path):
    """Salesforce's own, or the query's fields."""
    text, _ = fetched(Job(instead={"": [Reply([page(body, "null", 0)], "keep")]}), tmp_path)

    assert text == HEADER


def test_results_that_go_round_in_a_circle_end(tmp_path):
    """A locator that came before is no next page."""
    rows, _, count = PAGES["three"]
    again = Reply([page(HEADER + rows, "two", count)], "keep")

    error, _ = refused(Job(instead={"three": [again]}), tmp_path)

    assert "circle" in error.message
