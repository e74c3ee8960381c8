"""`report_type: SOQL` against the embedded org."""

import csv
import io
import signal
import threading
from dataclasses import replace

import pytest

from sfr.emulator import Emulator
from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes import ROUTES
from tests.connector_exchange import exchange_with, report, text_of
from tests.sfr_program import configure, run, start, summary


def fetch(org, soql, directory):
    """The CSV of a query."""
    with exchange_with(org.url, directory, token=org.new_sid("browser")) as exchange:
        ROUTES["bulk"](replace(exchange, report=report(soql=soql)))
        return text_of(exchange)


def records(text):
    """The records of a CSV."""
    return list(csv.reader(io.StringIO(text.decode(), newline=""), strict=True))


@pytest.mark.parametrize("page_rows", [50_000, 700])
def test_query_fetches_every_record_once_with_one_header(page_rows, tmp_path):
    """In one page or in many."""
    with Emulator({"org": {"bulk_page_rows": page_rows}}) as org:
        header, *rows = records(fetch(org, "SELECT Id, Name, Description FROM Account", tmp_path))

        assert header == ["Id", "Name", "Description"]
        assert len(rows) == len({row[0] for row in rows}) == 3_200
        assert sum(record.path.endswith("/results") for record in org.requests.records()) == -(-3_200 // page_rows)
        assert org.requests.records("bulk")[-1].method == "DELETE"


def test_query_survives_resets_in_the_middle_of_pages(tmp_path):
    """The pages that broke off are fetched again; no row comes twice."""
    scenario = {
        "org": {"bulk_page_rows": 700},
        "rules": [
            {"path": "*/results", "attempts": "2,4", "action": "reset", "after_bytes": 9_000},
            {"path": "*/results", "attempts": "6", "action": "status", "code": 503},
        ],
    }
    soql = "SELECT Id, Name, Description FROM Account"
    with Emulator(scenario) as org, Emulator() as whole_org:
        assert fetch(org, soql, tmp_path) == fetch(whole_org, soql, tmp_path)
        assert sum(record.path.endswith("/results") for record in org.requests.records()) == 5 + 3


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"action": "reset"}, ErrorKind.NETWORK),
        ({"action": "short_length"}, ErrorKind.TRUNCATED),
        ({"action": "close"}, ErrorKind.TRUNCATED),
        ({"action": "close_delimited"}, ErrorKind.TRUNCATED),
        ({"action": "cut_gzip"}, ErrorKind.TRUNCATED),
        ({"action": "spoilt_gzip", "kind": "bad_crc"}, ErrorKind.TRUNCATED),
        ({"action": "spoilt_gzip", "kind": "no_trailer"}, ErrorKind.TRUNCATED),
        ({"action": "cut_content", "at": "in_row"}, ErrorKind.TRUNCATED),
        ({"action": "cut_content", "at": "after_bytes"}, ErrorKind.TRUNCATED),
        ({"action": "empty"}, ErrorKind.TRUNCATED),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_query_whose_last_page_stays_cut_saves_nothing(rule, kind, tmp_path, monkeypatch):
    """A page counts as whole by its framing, its gzip end and its number of records, all of them."""
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 0.0)
    scenario = {"org": {"bulk_page_rows": 2_000}, "rules": [{"path": "*/results", "attempts": "2-", **rule}]}
    with Emulator(scenario) as org, pytest.raises(ReportError) as caught:
        fetch(org, "SELECT Id, Name FROM Account", tmp_path)

    assert (caught.value.kind, caught.value.is_retryable) == (kind, True)


def test_job_is_removed_when_the_run_is_stopped(tmp_path):
    """Aborted first, since it still works; Salesforce would continue it for nothing."""
    with (
        Emulator({"org": {"async_polls": 10_000}}) as org,
        exchange_with(org.url, tmp_path, token=org.new_sid("browser")) as exchange,
    ):

        def stop():
            org.requests.wait_for(lambda log: log.count("bulk") >= 3, timeout_s=30)
            exchange.transport.abort()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(ReportError) as caught:
            ROUTES["bulk"](replace(exchange, report=report(soql="SELECT Id FROM Account")))
        stopper.join()

        assert caught.value.kind is ErrorKind.INTERRUPTED
        assert [one.method for one in org.requests.records("bulk")][-2:] == ["PATCH", "DELETE"]
        assert not org.org.query_jobs


def test_program_removes_its_job_when_a_signal_ends_it(tmp_path):
    """SIGTERM, then the time of grace, then the end: within it the job is still aborted."""
    query = {"report_type": "SOQL", "report_file_name": "q", "soql": "SELECT Id FROM Account"}
    with Emulator({"org": {"async_polls": 10_000}}) as org:
        config = configure(tmp_path, org, [], reports={"list": None, "items": [query]}, fetch={"stop_grace_s": 0.1})
        program = start(config)
        try:
            assert org.requests.wait_for(lambda log: log.count("bulk") >= 3, timeout_s=60)
            program.send_signal(signal.SIGTERM)
            assert program.wait(60) == 143
        finally:
            program.kill()
            program.wait()

        assert [one.method for one in org.requests.records("bulk")][-2:] == ["PATCH", "DELETE"]
        assert not org.org.query_jobs


def run_query(directory, org):
    """The program's exit code and summary for one query."""
    query = {"report_type": "SOQL", "report_file_name": "q", "soql": "SELECT Id, Name FROM Account"}
    fetch_settings = {"backoff": {"first_s": 0.01, "max_s": 0.05}}
    config = configure(directory, org, [], reports={"list": None, "items": [query]}, fetch=fetch_settings)
    return run(config), summary(directory / "out" / "summary_report.json")["q"]


def test_program_saves_a_query_that_is_refused_for_a_moment_at_each_step(tmp_path):
    """Creation and a failed job cost an attempt each; polls and pages are requested again."""
    transient = {"action": "status", "code": 400, "error_code": "TXN_SECURITY_METERING_ERROR"}
    scenario = {
        "org": {
            "bulk_page_rows": 700,
            "query_job_failures": ["Failed while fetching query cursor data for this QueryLocator"],
        },
        "rules": [
            {"path": "*/jobs/query", "method": "POST", "attempts": 1, **transient},
            {"path": "*/jobs/query/750*[0-9A-Z]", "method": "GET", "attempts": 2, **transient},
            {"path": "*/results", "attempts": 2, "action": "status", "code": 404, "error_code": "NOT_FOUND"},
            {"path": "*/results", "attempts": 4, "action": "status", "code": 400, "error_code": "INVALIDJOBSTATE"},
        ],
    }
    with Emulator(scenario) as org:
        code, report_facts = run_query(tmp_path, org)

        assert (code, report_facts["rows"], report_facts["attempt_count"]) == (0, 3_200, 3)
        assert not org.org.query_jobs


def test_program_makes_one_request_when_the_daily_quota_of_jobs_is_used_up(tmp_path):
    """`rate_limited`, naming the quota; hours would have to pass."""
    text = "Max bulk v2 query jobs (10000) per 24 hrs has been reached"
    rule = {"path": "*/jobs/query", "action": "status", "code": 400, "error_code": "LIMIT_EXCEEDED", "message": text}
    with Emulator({"rules": [rule]}) as org:
        code, report_facts = run_query(tmp_path, org)

    assert (code, report_facts["error"], report_facts["attempt_count"]) == (5, "rate_limited", 1)
    assert "daily quota" in report_facts["message"]
    assert text in report_facts["message"]


@pytest.mark.parametrize("soql", ["SELECT Nope FROM Account", "SELECT Id FROM Nope", "SELECT Id FRM Account"])
def test_query_that_salesforce_refuses_is_explained(soql, tmp_path):
    """`invalid`, in Salesforce's own words."""
    with Emulator() as org, pytest.raises(ReportError) as caught:
        fetch(org, soql, tmp_path)

    assert caught.value.kind is ErrorKind.INVALID
    assert not caught.value.is_retryable
    assert caught.value.message.endswith(".")
    assert "soql" in caught.value.remedy


def test_query_without_records_is_a_header(tmp_path):
    """An empty result is a result."""
    with Emulator() as org:
        text = fetch(org, "SELECT Id, Name FROM Account WHERE Name = 'no such name'", tmp_path)

    assert records(text) == [["Id", "Name"]]
