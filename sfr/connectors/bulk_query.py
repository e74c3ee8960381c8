"""`report_type: SOQL`: a Bulk API 2.0 query job, from its creation to its deletion (salesforce-facts.md §3).

    create ─► poll ─► results, page by page (`Sforce-Locator`) ─► one CSV with one header ─► delete

The bytes pass as Salesforce wrote them. Memory holds a chunk: rows go straight into the reception, and a page that
breaks off is fetched again and skipped as far as it had come.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.connectors.exchange import Exchange, Received
from sfr.connectors.rest import JOB_TRIES, RestApi, object_of
from sfr.connectors.result_pages import ResultPages
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.network.fault_codes import rule_in
from sfr.network.fault_rules import Subject, default_remedy
from sfr.network.pace import Deadline
from sfr.wording import said

if TYPE_CHECKING:
    from sfr.model import Report

log = logging.getLogger(__name__)

FIRST_POLL_S, LONGEST_POLL_S, POLL_GROWTH = 0.25, 15.0, 1.5
#: How long the request that removes a job may take.
DELETION_S = 10.0
#: The same once the run was stopped: fetch threads are waited for a little longer than this (`sfr.fetching.threads`).
LATE_DELETION_S = 1.5
LONGEST_SAID = 500

_WORKING = ("UploadComplete", "InProgress")
_JOB_ID = re.compile(r"[A-Za-z0-9]{15,18}")


def fetch(report: Report, exchange: Exchange) -> Received:
    """Assemble the CSV of one query in `exchange.reception`.

    Raises `ReportError`: `invalid` for a query that Salesforce refuses, at once or later, and what the API says.
    """
    api = RestApi.of(exchange)
    job = _create(api, report.soql)
    try:
        done = _wait(api, job)
        job.is_over = True
        pages = ResultPages(api, job.path, report.soql, exchange.reception.write)
        rows = pages.fetch()
        expected = done.get("numberRecordsProcessed")
        if isinstance(expected, int) and expected != rows:
            raise ReportError(
                ErrorKind.TRUNCATED,
                f"The query job counted {expected:,} records, but its results hold {rows:,}.",
                remedy=ODD_ANSWER_REMEDY,
            )
    finally:
        _remove(api, job)
    return Received(first_byte_clock_s=pages.first_byte_clock_s, has_footer=False)


@dataclass(slots=True)
class _Job:
    id: str
    #: True once Salesforce works on it no more.
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
    created = object_of(api.ask("POST", "/jobs/query", document))
    job_id = created.get("id")
    if not isinstance(job_id, str) or not _JOB_ID.fullmatch(job_id):
        raise ReportError(
            ErrorKind.NOT_CSV,
            "Salesforce took the query but gave no id for its job.",
            remedy=ODD_ANSWER_REMEDY,
            permanent=True,
        )
    return _Job(job_id)


def _wait(api: RestApi, job: _Job) -> dict[str, object]:
    """The job's facts once it is complete."""
    wait_s = FIRST_POLL_S
    while True:
        facts = object_of(api.patiently(lambda: api.ask("GET", job.path), JOB_TRIES))
        state = facts.get("state")
        if state == "JobComplete":
            return facts
        if state not in _WORKING:
            job.is_over = True
            raise _failure(str(state), str(facts.get("errorMessage") or ""))
        api.pause(wait_s)
        wait_s = min(wait_s * POLL_GROWTH, LONGEST_POLL_S)


def _failure(state: str, message: str) -> ReportError:
    reason = f": {said(message, LONGEST_SAID)}" if message else ", without saying why."
    if state == "Aborted":
        return ReportError(
            ErrorKind.SERVER,
            f"The query job was aborted by someone, or by Salesforce{reason}",
            remedy="Look at Setup, Bulk Data Load Jobs, for who aborted it.",
            permanent=True,
        )
    if state == "Failed":
        return _failed(message, reason)
    return ReportError(
        ErrorKind.NOT_CSV,
        f"The query job is in the unknown state '{said(str(state))}'.",
        remedy=ODD_ANSWER_REMEDY,
        permanent=True,
    )


def _failed(message: str, reason: str) -> ReportError:
    """The error of a job that failed: a new job where that may help, which the next attempt creates."""
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
    """Abort a job that still works, and delete it, even where the run was stopped: else it would go on for nobody.

    Salesforce deletes it by itself after a week, so no failure matters.
    """
    limit_s = DELETION_S
    if api.transport.is_aborted:
        api.transport, limit_s = api.transport.after_abort(), LATE_DELETION_S
    deadline = Deadline(time.monotonic() + limit_s, f"the {limit_s:g} s that the removal of a job may take")
    try:
        if not job.is_over:
            api.ask("PATCH", job.path, {"state": "Aborted"}, deadline=deadline)
        api.ask("DELETE", job.path, deadline=deadline)
    except ReportError as error:
        log.debug("The query job %s was not removed: %s", job.id, error.message)
