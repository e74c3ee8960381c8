"""Runs a report, synchronously or asynchronously (`instances`), and waits for the result.

Asynchronous runs are used if a synchronous one takes too long, or if the hourly synchronous runs are used up. Source:
salesforce-facts.md §3.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.fault_codes import rule_in
from sfr.salesforce.fault_rules import RunsSpentError, Subject
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.rest import JOB_TRIES, RestApi, object_of
from sfr.salesforce.routes.analytics.plan import Run
from sfr.salesforce.routes.analytics.requested_filters import point_to_filters, prove_filters
from sfr.salesforce.routes.analytics.run_result import RunResult, parse_run_result
from sfr.salesforce.row_filters import NO_FILTERS, RowFilters
from sfr.wording import shortened

if TYPE_CHECKING:
    from sfr.salesforce.http.responses import FullResponse
    from sfr.salesforce.routes.analytics.run_result import Shape

log = logging.getLogger(__name__)

#: 2,000 rows of 100 wide columns.
MAX_RESPONSE_BYTES = 512 * 1024 * 1024
#: Salesforce ends a synchronous run after two minutes.
MAX_SYNC_RUN_S = 130.0
FIRST_POLL_S, MAX_POLL_S, POLL_GROWTH = 0.25, 10.0, 1.5

MAX_QUOTE_CHARS = 500

_TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out|too long|time limit", re.IGNORECASE)


@dataclass(slots=True)
class ReportRuns:
    """Runs of one report within one attempt."""

    api: RestApi
    report_id: str
    #: Filters that every run has to show in its answer.
    filters: RowFilters = NO_FILTERS
    #: Whether the next run is asynchronous; set once a synchronous run took too long, or by `RunBudget`.
    is_async: bool = False
    #: Number of runs requested so far.
    count: int = 0

    def run(self, run: Run) -> RunResult:
        """The result of a successful run. Raises `ReportError`."""
        if not self.is_async:
            try:
                return self._checked(self._run_now(run), run)
            except ReportError as error:
                if not self._may_succeed_later(error):
                    raise
                log.info("Switching to asynchronous report runs: %s", error.message)
                self.is_async = True
        return self._checked(self._run_later(run), run)

    def _checked(self, result: RunResult, run: Run) -> RunResult:
        """The result, if it matches the request; raises `ReportError` otherwise."""
        prove_filters(self.filters, run.metadata or {}, result.metadata)
        return _with_expected_columns(result, run) if run.has_details else result

    def _run_now(self, run: Run) -> RunResult:
        self.count += 1
        path = f"/analytics/reports/{self.report_id}{_query(run)}"
        left_s = self.api.deadline.remaining_s(time.monotonic())
        seconds = min(MAX_SYNC_RUN_S, left_s / 3)
        deadline = Deadline.after(seconds, f"the limit of {seconds:.0f} s for a synchronous run").or_earlier(
            self.api.deadline
        )
        return self._parsed(self._call("GET" if run.metadata is None else "POST", path, run, deadline), run.shape)

    def _run_later(self, run: Run) -> RunResult:
        self.count += 1
        path = f"/analytics/reports/{self.report_id}/instances"
        started = object_of(self._call("POST", f"{path}{_query(run)}", run))
        instance = started.get("id")
        if not isinstance(instance, str) or not instance.isalnum():
            raise ReportError(
                ErrorKind.NOT_CSV,
                "Salesforce started a report run but returned no id for it.",
                remedy=ODD_ANSWER_REMEDY,
                permanent=True,
            )
        wait_s = FIRST_POLL_S
        while True:
            self.api.pause(wait_s)
            wait_s = min(wait_s * POLL_GROWTH, MAX_POLL_S)
            result = self._parsed(
                self.api.with_retries(
                    lambda: self.api.call("GET", f"{path}/{instance}", limit_bytes=MAX_RESPONSE_BYTES), JOB_TRIES
                ),
                run.shape,
            )
            if result.status not in ("New", "Running"):
                break
        if result.status != "Success":
            raise _failed(result)
        return result

    def _call(self, method: str, path: str, run: Run, deadline: Deadline | None = None) -> FullResponse:
        document = None
        if method == "POST":
            document = {} if run.metadata is None else {"reportMetadata": run.metadata}
        try:
            return self.api.call(method, path, document, limit_bytes=MAX_RESPONSE_BYTES, deadline=deadline)
        except ReportError as error:
            point_to_filters(error, self.filters)
            raise

    @staticmethod
    def _parsed(result: FullResponse, shape: Shape) -> RunResult:
        return parse_run_result(result.body, shape)

    def _may_succeed_later(self, error: ReportError) -> bool:
        if self.api.deadline.remaining_s(time.monotonic()) <= 0 or self.api.transport.is_aborted:
            return False
        if isinstance(error, RunsSpentError) or error.kind is ErrorKind.TIMEOUT:
            return True
        return error.kind is ErrorKind.SERVER and (error.http_status == 504 or bool(_TIMED_OUT.search(error.message)))


def _query(run: Run) -> str:
    return f"?includeDetails={'true' if run.has_details else 'false'}"


def _failed(result: RunResult) -> ReportError:
    """The error of an asynchronous run that did not succeed; transient unless its reason is known to be permanent."""
    rule = rule_in(result.status_message, Subject.REPORT_RUN)
    reason = f": {shortened(result.status_message, MAX_QUOTE_CHARS)}" if result.status_message else "."
    return ReportError(
        ErrorKind.SERVER if rule is None else rule.kind,
        f"An asynchronous report run ended as `{shortened(result.status)}`{reason}",
        remedy=None if rule is None else rule.remedy_for(Subject.REPORT_RUN),
        permanent=rule is not None and not rule.is_transient,
    )


def _with_expected_columns(result: RunResult, run: Run) -> RunResult:
    if not result.has_details:
        raise ReportError(
            ErrorKind.INVALID,
            "Salesforce ran the report without its detail rows.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    if result.detail_columns and result.detail_columns != run.columns:
        raise ReportError(
            ErrorKind.INVALID,
            "Salesforce ran the report with columns other than those requested: "
            f"{', '.join(result.detail_columns)} instead of {', '.join(run.columns)}.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    return result
