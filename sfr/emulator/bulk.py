"""Bulk API 2.0 query jobs: create, poll, read pages of results, abort, delete. Jobs run when they are polled."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from sfr.emulator.answers import Answer, json_answer, no_content, rest_error
from sfr.emulator.bulk_csv import DELIMITERS, LINE_ENDS, csv_page
from sfr.emulator.credentials import USER_ID
from sfr.emulator.ids import numbered_id
from sfr.emulator.org import Org
from sfr.emulator.rest import RestCall, not_found
from sfr.emulator.soql_parser import parse
from sfr.emulator.soql_run import Selection, select
from sfr.emulator.soql_tables import find_table
from sfr.emulator.soql_tokens import SoqlError

_ENDED = ("JobComplete", "Failed", "Aborted")


@dataclass(slots=True)
class QueryJob:
    """A job. `selection` is None until it is complete; changes only under the org's lock."""

    id: str
    query: str
    table: str
    delimiter: str
    line_end: str
    operation: str
    version: str
    polls_left: int
    #: What it will fail with, by the scenario; empty: it will not.
    failure: str = ""
    state: str = "UploadComplete"
    error: str = ""
    selection: Selection | None = None


def create(call: RestCall, _match: re.Match[str]) -> Answer:
    """`POST /jobs/query`. Syntax errors and unknown objects are refused here; other errors fail the job."""
    try:
        asked = call.request.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        return rest_error(400, "JSON_PARSER_ERROR", "The request body is not a JSON object.")
    problem = _problem(call.org, asked)
    if problem is not None:
        return problem
    org = call.org
    with org.lock:
        number = len(org.query_jobs) + 1 + org.deleted_jobs
        failures = org.settings.query_job_failures
        job = QueryJob(
            failure=failures[number - 1] if number <= len(failures) else "",
            id=numbered_id("750", number),
            query=str(asked["query"]),
            table=parse(str(asked["query"])).table,
            delimiter=str(asked.get("columnDelimiter", "COMMA")),
            line_end=str(asked.get("lineEnding", "LF")),
            operation=str(asked["operation"]),
            version=call.version.removeprefix("v"),
            polls_left=org.settings.async_polls,
        )
        org.query_jobs[job.id] = job
    return json_answer(_facts(job))


def listed(call: RestCall, _match: re.Match[str]) -> Answer:
    """`GET /jobs/query`."""
    with call.org.lock:
        jobs = [_facts(job) for job in call.org.query_jobs.values()]
    return json_answer({"done": True, "records": jobs, "nextRecordsUrl": None})


def poll(call: RestCall, match: re.Match[str]) -> Answer:
    """`GET /jobs/query/<id>`: every poll moves the job on."""
    job = _job(call.org, match["id"])
    if job is None:
        return not_found()
    with call.org.lock:
        _move_on(call.org, job)
        return json_answer({**_facts(job), **_progress(job)})


def change(call: RestCall, match: re.Match[str]) -> Answer:
    """`PATCH /jobs/query/<id>` with `{"state": "Aborted"}`."""
    job = _job(call.org, match["id"])
    if job is None:
        return not_found()
    with call.org.lock:
        if job.state in _ENDED:
            return rest_error(400, "INVALIDJOBSTATE", f"Aborting job is not allowed, its state is {job.state}")
        job.state = "Aborted"
        return json_answer(_facts(job))


def delete(call: RestCall, match: re.Match[str]) -> Answer:
    """`DELETE /jobs/query/<id>`, for jobs that have ended."""
    job = _job(call.org, match["id"])
    if job is None:
        return not_found()
    with call.org.lock:
        if job.state not in _ENDED:
            return rest_error(400, "INVALIDJOBSTATE", f"Deleting a job is not allowed, its state is {job.state}")
        del call.org.query_jobs[job.id]
        call.org.deleted_jobs += 1
    return no_content()


def results(call: RestCall, match: re.Match[str]) -> Answer:
    """`GET /jobs/query/<id>/results?maxRecords=N&locator=L`: one page of CSV with its own header record."""
    job = _job(call.org, match["id"])
    if job is None:
        return not_found()
    if job.state != "JobComplete" or job.selection is None:
        return rest_error(400, "INVALIDJOBSTATE", f"Results are not available: the job's state is {job.state}")
    start = _locator_row(call.request.query.get("locator", ""))
    size = call.request.query.get("maxRecords", str(call.org.settings.bulk_page_rows))
    if start is None or start > len(job.selection.rows):
        return rest_error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    if not size.isdigit() or int(size) == 0:
        return rest_error(400, "INVALID_MAX_RECORDS", "maxRecords is not a positive number")
    # maxRecords is a maximum; Salesforce may send fewer.
    end = min(start + min(int(size), call.org.settings.bulk_page_rows), len(job.selection.rows))
    locator = "null" if end == len(job.selection.rows) else _locator(end)
    headers = (
        ("Content-Type", "text/csv; charset=UTF-8"),
        ("Sforce-Locator", locator),
        ("Sforce-NumberOfRecords", str(end - start)),
    )
    return Answer(200, headers, partial(csv_page, job.selection, start, end, job.delimiter, job.line_end))


def _problem(org: Org, asked: dict[str, Any]) -> Answer | None:
    """Why a job is not created."""
    if asked.get("operation") not in ("query", "queryAll"):
        return rest_error(400, "INVALIDJOB", "operation must be query or queryAll")
    if asked.get("contentType", "CSV") != "CSV":
        return rest_error(400, "INVALIDJOB", "contentType must be CSV")
    if asked.get("columnDelimiter", "COMMA") not in DELIMITERS or asked.get("lineEnding", "LF") not in LINE_ENDS:
        return rest_error(400, "INVALIDJOB", "columnDelimiter or lineEnding is not known")
    try:
        query = parse(str(asked.get("query") or ""))
    except SoqlError as error:
        return rest_error(400, error.code, str(error))
    if find_table(org, query.table) is None:
        return rest_error(400, "INVALID_TYPE", f"sObject type '{query.table}' is not supported.")
    if query.count is not None or query.offset:
        return rest_error(400, "API_ERROR", "Bulk API 2.0 does not support aggregate functions and OFFSET")
    return None


def _move_on(org: Org, job: QueryJob) -> None:
    if job.state in _ENDED:
        return
    if job.polls_left > 0:
        job.polls_left -= 1
        job.state = "InProgress"
        return
    if job.failure:
        job.state, job.error = "Failed", job.failure
        return
    try:
        job.selection = select(org, job.query)
        job.state = "JobComplete"
    except SoqlError as error:
        job.state, job.error = "Failed", f"{error.code}: {error}"


def _job(org: Org, job_id: str) -> QueryJob | None:
    with org.lock:
        for known, job in org.query_jobs.items():
            if known[:15] == job_id[:15]:
                return job
    return None


def _facts(job: QueryJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.table,
        "createdById": USER_ID,
        "createdDate": "2026-01-15T08:00:00.000+0000",
        "systemModstamp": "2026-01-15T08:00:00.000+0000",
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.line_end,
        "columnDelimiter": job.delimiter,
    }


def _progress(job: QueryJob) -> dict[str, Any]:
    progress: dict[str, Any] = {
        "jobType": "V2Query",
        "retries": 0,
        "totalProcessingTime": 10,
        "isPkChunkingSupported": True,
    }
    progress["numberRecordsProcessed"] = len(job.selection.rows) if job.selection else 0
    if job.error:
        progress["errorMessage"] = job.error
    return progress


def _locator(row: int) -> str:
    return base64.urlsafe_b64encode(str(row).encode()).decode().rstrip("=")


def _locator_row(locator: str) -> int | None:
    """The row that a locator stands for; 0 without one; None if it is not one of ours."""
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        return None
