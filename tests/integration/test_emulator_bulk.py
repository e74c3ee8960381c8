"""The emulator's Bulk API 2.0 query jobs, call by call."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

import pytest
import requests

from sfr.emulator import Emulator


@pytest.fixture(scope="module")
def org() -> Iterator[Emulator]:
    """One emulator for the module."""
    with Emulator() as emulator:
        yield emulator


def call(org: Emulator, path: str = "", method: str = "GET", body: object = None) -> requests.Response:
    """One call below jobs/query."""
    return requests.request(
        method,
        f"{org.url}/services/data/v64.0/jobs/query{path}",
        headers={"Authorization": f"Bearer {org.sid}"},
        json=body,
        timeout=60,
    )


def create(org: Emulator, query: str, **options: str) -> str:
    """A new job's id."""
    made = call(org, "", "POST", {"operation": "query", "query": query, **options})
    assert made.status_code == 200, made.text
    assert made.json()["state"] == "UploadComplete"
    return str(made.json()["id"])


def test_job_passes_its_states_and_gives_pages(org: Emulator) -> None:
    """UploadComplete, InProgress, JobComplete; locators are stable, the last one is the word null."""
    job = create(org, "SELECT Id, Subject, Description FROM Case WHERE AgeHours__c < 100")
    assert call(org, f"/{job}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert [call(org, f"/{job}").json()["state"] for _ in range(3)] == ["InProgress", "JobComplete", "JobComplete"]
    total = call(org, f"/{job}").json()["numberRecordsProcessed"]
    pages, locator = [], ""
    while locator != "null":
        page = call(org, f"/{job}/results?maxRecords=5000" + (f"&locator={locator}" if locator else ""))
        assert page.content == call(org, f"/{job}/results?maxRecords=5000&locator={locator}").content
        pages.append(page)
        locator = page.headers["Sforce-Locator"]
    assert sum(int(page.headers["Sforce-NumberOfRecords"]) for page in pages) == total > 10_000
    records = [record for page in pages for record in csv.reader(io.StringIO(page.text, newline=""))]
    assert records.count(["Id", "Subject", "Description"]) == len(pages)
    assert len(records) == total + len(pages)


def test_job_uses_the_requested_delimiter_and_line_end(org: Emulator) -> None:
    """Any of the documented ones."""
    job = create(org, "SELECT Id, Name FROM Account LIMIT 2", columnDelimiter="PIPE", lineEnding="CRLF")
    while call(org, f"/{job}").json()["state"] != "JobComplete":
        pass
    text = call(org, f"/{job}/results").content.decode()
    assert text.startswith('"Id"|"Name"\r\n')
    assert text.count("\r\n") == 3


def test_jobs_are_aborted_listed_and_deleted(org: Emulator) -> None:
    """A running job cannot be deleted; an aborted one has no results."""
    job = create(org, "SELECT Id FROM Account")
    assert call(org, f"/{job}", "DELETE").status_code == 400
    assert call(org, f"/{job}", "PATCH", {"state": "Aborted"}).json()["state"] == "Aborted"
    assert call(org, f"/{job}/results").status_code == 400
    assert job in [each["id"] for each in call(org).json()["records"]]
    assert call(org, f"/{job}", "DELETE").status_code == 204
    assert call(org, f"/{job}").status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"operation": "query", "query": "SELECT FROM"}, "MALFORMED_QUERY"),
        ({"operation": "query", "query": "SELECT Id FROM Nothing"}, "INVALID_TYPE"),
        ({"operation": "query", "query": "SELECT COUNT() FROM Account"}, "API_ERROR"),
        ({"operation": "insert", "query": "SELECT Id FROM Account"}, "INVALIDJOB"),
        ({"operation": "query", "query": "SELECT Id FROM Account", "columnDelimiter": "DOT"}, "INVALIDJOB"),
        ([], "JSON_PARSER_ERROR"),
    ],
)
def test_invalid_job_is_refused(org: Emulator, body: object, code: str) -> None:
    """400 with the errorCode."""
    answer = call(org, "", "POST", body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


def test_job_fails_when_a_field_is_unknown(org: Emulator) -> None:
    """The job says Failed and why."""
    job = create(org, "SELECT Nothing FROM Account")
    states = [call(org, f"/{job}").json() for _ in range(2)]
    assert states[1]["state"] == "Failed"
    assert states[1]["errorMessage"].startswith("INVALID_FIELD: ")


def test_chunked_request_bodies_are_read(org: Emulator) -> None:
    """Jsforce sends its bodies in chunks."""
    body = b'{"operation": "query", "query": "SELECT Id FROM Account"}'
    answer = requests.post(
        f"{org.url}/services/data/v64.0/jobs/query",
        data=iter([body[:10], body[10:]]),
        headers={"Authorization": f"Bearer {org.sid}", "Content-Type": "application/json"},
        timeout=30,
    )
    assert answer.json()["object"] == "Account"
