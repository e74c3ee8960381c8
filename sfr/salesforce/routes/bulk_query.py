"""Fetches `report_type: SOQL` by a Bulk API 2.0 query job, from creation to deletion (salesforce-facts.md §3).

    create ─► poll ─► results, page by page (`Sforce-Locator`) ─► one CSV with one header ─► delete

The bytes stay as Salesforce sent them. Memory holds one chunk: rows are written to the incoming body at once, and a
page that is cut off is fetched again, skipping what has been written.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.fault_codes import rule_in
from sfr.salesforce.fault_rules import Subject, default_remedy
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.rest import JOB_TRIES, RestApi, object_of
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.routes.result_pages import ResultPages
from sfr.wording import shortened

if TYPE_CHECKING:
    from sfr.model import Payload

log = logging.getLogger(__name__)

FIRST_POLL_S, MAX_POLL_S, POLL_GROWTH = 0.25, 15.0, 1.5
#: Time limit for removing a job.
DELETION_S = 10.0
#: Time limit once the run was stopped: the run waits slightly longer than this for fetch threads.
LATE_DELETION_S = 1.5
MAX_QUOTE_CHARS = 500

_WORKING = ("UploadComplete", "InProgress")
_JOB_ID = re.compile(r"[A-Za-z0-9]{15,18}")


def fetch(context: FetchContext) -> Payload:
    """Write the CSV of one query to `context.incoming`.

    Raises `ReportError`: `invalid` for a query that Salesforce rejects, at once or later, and the API's other errors.
    """
    api = RestApi.of(context)
    job = _create(api, context.report.soql)
    try:
        done = _wait(api, job)
        job.is_over = True
        pages = ResultPages(api, job.path, context.report.soql, context.incoming)
        rows = pages.fetch()
        expected = done.get("numberRecordsProcessed")
        if isinstance(expected, int) and expected != rows:
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"The query job counted {expected:,} records, but its results contain {rows:,}.",
                remedy=ODD_ANSWER_REMEDY,
            )
    finally:
        _remove(api, job)
    return context.payload(has_footer=False)


@dataclass(slots=True)
class _Job:
    id: str
    #: True once the job has ended.
    is_over: bool = False

    @property
    def path(self) -> str:
        return f"/jobs/query/{self.id}"


def _create(api: RestApi, soql: str) -> _Job:
    document = {
        "operation": "query",
        "query": soql,
        "contentType": "CSV",
        "columnDelimiter": "COMMA",
        "lineEnding": "LF",
    }
    created = object_of(api.call("POST", "/jobs/query", document))
    job_id = created.get("id")
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise ReportError(
            ErrorKind.NOT_CSV,
            "Salesforce accepted the query but returned no id for its job.",
            remedy=ODD_ANSWER_REMEDY,
            permanent=True,
        )
    return _Job(job_id)


def _wait(api: RestApi, job: _Job) -> dict[str, object]:
    """The job's description, once complete."""
    wait_s = FIRST_POLL_S
    while True:
        facts = object_of(api.with_retries(lambda: api.call("GET", job.path), JOB_TRIES))
        state = facts.get("state")
        if state == "JobComplete":
            return facts
        if state not in _WORKING:
            job.is_over = True
            raise _failure(str(state), str(facts.get("errorMessage") or ""))
        api.pause(wait_s)
        wait_s = min(wait_s * POLL_GROWTH, MAX_POLL_S)


def _failure(state: str, message: str) -> ReportError:
    reason = f": {shortened(message, MAX_QUOTE_CHARS)}" if message else "; Salesforce gave no reason."
    if state == "Aborted":
        return ReportError(
            ErrorKind.SERVER,
            f"The query job was aborted by a user or by Salesforce{reason}",
            remedy="Check in Setup, Bulk Data Load Jobs, who aborted it.",
            permanent=True,
        )
    if state == "Failed":
        return _failed(message, reason)
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The query job is in the unknown state '{shortened(str(state))}'.",
        remedy=ODD_ANSWER_REMEDY,
        permanent=True,
    )


def _failed(message: str, reason: str) -> ReportError:
    """The error of a failed job; transient if a new job, created by the next attempt, can succeed."""
    rule = rule_in(message, Subject.QUERY)
    kind = ErrorKind.INVALID if rule is None else rule.kind
    what = f"{rule.lead}. Salesforce's" if rule is not None and rule.lead else "Salesforce's"
    sentence = f"{what} query job failed{reason}"
    return ReportError(
        kind,
        f"{sentence.rstrip('.')}.",
        remedy=default_remedy(kind, Subject.QUERY) if rule is None else rule.remedy_for(Subject.QUERY),
        permanent=rule is None or not rule.is_transient,
    )


def _remove(api: RestApi, job: _Job) -> None:
    """Abort the job if it is still running, and delete it, even if the run was stopped, so that it does not continue.

    Salesforce deletes jobs after a week, so failures are ignored.
    """
    limit_s = DELETION_S
    if api.transport.is_aborted:
        api.transport, limit_s = api.transport.after_abort(), LATE_DELETION_S
    deadline = Deadline(time.monotonic() + limit_s, f"the limit of {limit_s:g} s for removing a job")
    try:
        if not job.is_over:
            api.call("PATCH", job.path, {"state": "Aborted"}, deadline=deadline)
        api.call("DELETE", job.path, deadline=deadline)
    except ReportError as error:
        log.debug("The query job %s could not be removed: %s", job.id, error.message)
