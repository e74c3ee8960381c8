"""Bulk API 2.0 query jobs: create, poll, page through results, abort, delete. Polling advances a job."""

from __future__ import annotations

import base64
import binascii
import re
from functools import partial
from typing import Any

from sfr.emulator.http.responses import Response, json_response, no_content, rest_error
from sfr.emulator.log_in.credentials import USER_ID
from sfr.emulator.records.bulk_csv import DELIMITERS, LINE_ENDS, csv_page
from sfr.emulator.records.job_store import QueryJob
from sfr.emulator.records.soql_parser import parse
from sfr.emulator.records.soql_run import select
from sfr.emulator.records.soql_tables import Database, find_table
from sfr.emulator.records.soql_tokens import SoqlError
from sfr.emulator.rest import RestCall, not_found

_ENDED = ("JobComplete", "Failed", "Aborted")


def create(call: RestCall, _match: re.Match[str]) -> Response:
    """`POST /jobs/query`. Syntax errors and unknown objects are rejected here; other errors fail the job."""
    try:
        requested = call.request.json()
    except ValueError:
        requested = None
    if not isinstance(requested, dict):
        return rest_error(400, "JSON_PARSER_ERROR", "The request body is not a JSON object.")
    problem = _problem(call.org.database, requested)
    if problem is not None:
        return problem
    jobs, failures = call.org.query_jobs, call.org.settings.query_job_failures
    job = QueryJob(
        id=jobs.new_id(),
        query=str(requested["query"]),
        table=parse(str(requested["query"])).table,
        delimiter=str(requested.get("columnDelimiter", "COMMA")),
        line_end=str(requested.get("lineEnding", "LF")),
        operation=str(requested["operation"]),
        version=call.version.removeprefix("v"),
        polls_left=call.org.settings.async_polls,
        failure=failures[jobs.issued - 1] if jobs.issued <= len(failures) else "",
    )
    jobs.add(job)
    return json_response(_facts(job))


def listed(call: RestCall, _match: re.Match[str]) -> Response:
    """`GET /jobs/query`."""
    with call.org.query_jobs.lock:
        jobs = [_facts(job) for job in call.org.query_jobs.all()]
    return json_response({"done": True, "records": jobs, "nextRecordsUrl": None})


def poll(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /jobs/query/<id>`: every poll advances the job."""
    job = call.org.query_jobs.find(match["id"])
    if job is None:
        return not_found()
    with call.org.query_jobs.lock:
        _advance(call.org.database, job)
        return json_response({**_facts(job), **_progress(job)})


def change(call: RestCall, match: re.Match[str]) -> Response:
    """`PATCH /jobs/query/<id>` with `{"state": "Aborted"}`."""
    job = call.org.query_jobs.find(match["id"])
    if job is None:
        return not_found()
    with call.org.query_jobs.lock:
        if job.state in _ENDED:
            return rest_error(400, "INVALIDJOBSTATE", f"Aborting job is not allowed, its state is {job.state}")
        job.state = "Aborted"
        return json_response(_facts(job))


def delete(call: RestCall, match: re.Match[str]) -> Response:
    """`DELETE /jobs/query/<id>`, for jobs that have ended."""
    job = call.org.query_jobs.find(match["id"])
    if job is None:
        return not_found()
    with call.org.query_jobs.lock:
        if job.state not in _ENDED:
            return rest_error(400, "INVALIDJOBSTATE", f"Deleting a job is not allowed, its state is {job.state}")
        call.org.query_jobs.remove(job)
    return no_content()


def results(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /jobs/query/<id>/results?maxRecords=N&locator=L`: one page of CSV with its own header record."""
    job = call.org.query_jobs.find(match["id"])
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
    return Response(200, headers, partial(csv_page, job.selection, start, end, job.delimiter, job.line_end))


def _problem(database: Database, requested: dict[str, Any]) -> Response | None:
    """The error if a job cannot be created."""
    if requested.get("operation") not in ("query", "queryAll"):
        return rest_error(400, "INVALIDJOB", "operation must be query or queryAll")
    if requested.get("contentType", "CSV") != "CSV":
        return rest_error(400, "INVALIDJOB", "contentType must be CSV")
    if (
        requested.get("columnDelimiter", "COMMA") not in DELIMITERS
        or requested.get("lineEnding", "LF") not in LINE_ENDS
    ):
        return rest_error(400, "INVALIDJOB", "columnDelimiter or lineEnding is not known")
    try:
        query = parse(str(requested.get("query") or ""))
    except SoqlError as error:
        return rest_error(400, error.code, str(error))
    if find_table(database, query.table) is None:
        return rest_error(400, "INVALID_TYPE", f"sObject type '{query.table}' is not supported.")
    if query.count is not None or query.offset:
        return rest_error(400, "API_ERROR", "Bulk API 2.0 does not support aggregate functions and OFFSET")
    return None


def _advance(database: Database, job: QueryJob) -> None:
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
        job.selection = select(database, job.query)
        job.state = "JobComplete"
    except SoqlError as error:
        job.state, job.error = "Failed", f"{error.code}: {error}"


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
    """The first row of a locator's page; 0 without a locator; None for an invalid one."""
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except (ValueError, binascii.Error):
        return None
