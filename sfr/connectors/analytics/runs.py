"""Runs a report, now (synchronous) or later (asynchronous: `instances`), and waits for the answer.

Later is for what now cannot do: a run that takes too long, or an hour whose synchronous runs are used up. Source:
salesforce-facts.md §3.
"""

from __future__ import annotations

import logging
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.connectors.analytics.answer import RunAnswer, parse_answer
from sfr.connectors.analytics.plan import Run
from sfr.connectors.rest import JOB_TRIES, RestApi, object_of
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.network.fault_codes import rule_in
from sfr.network.fault_rules import RunsSpentError, Subject
from sfr.network.pace import Deadline
from sfr.wording import said

if TYPE_CHECKING:
    from sfr.connectors.analytics.answer import Shape
    from sfr.network.answers import CompleteAnswer

log = logging.getLogger(__name__)

#: 2,000 rows of 100 wide columns.
LARGEST_ANSWER_BYTES = 512 * 1024 * 1024
#: Salesforce ends a synchronous run after two minutes.
LONGEST_SYNC_RUN_S = 130.0
FIRST_POLL_S, LONGEST_POLL_S, POLL_GROWTH = 0.25, 10.0, 1.5

LONGEST_SAID = 500

_TIMED_OUT = re.compile(r"tim(?:ed|e)[ -]?out|too long|time limit", re.IGNORECASE)


@dataclass(slots=True)
class ReportRuns:
    """Runs of one report within one attempt."""

    api: RestApi
    report_id: str
    #: Whether the next run is asynchronous; set once a synchronous one took too long, or by whoever watches limits.
    is_async: bool = False
    #: Runs asked for so far.
    count: int = 0

    def run(self, run: Run) -> RunAnswer:
        """The answer of a run that has ended well. Raises `ReportError`."""
        if not self.is_async:
            try:
                return _checked(self._run_now(run), run)
            except ReportError as error:
                if not self._may_succeed_later(error):
                    raise
                log.info("A report run is asked for asynchronously from here on: %s", error.message)
                self.is_async = True
        return _checked(self._run_later(run), run)

    def _run_now(self, run: Run) -> RunAnswer:
        self.count += 1
        path = f"/analytics/reports/{self.report_id}?includeDetails=true"
        left_s = self.api.deadline.remaining_s(time.monotonic())
        seconds = min(LONGEST_SYNC_RUN_S, left_s / 3)
        deadline = Deadline.after(seconds, f"the {seconds:.0f} s that a synchronous run gets").or_earlier(
            self.api.deadline
        )
        return self._parsed(self._ask("GET" if run.metadata is None else "POST", path, run, deadline), run.shape)

    def _run_later(self, run: Run) -> RunAnswer:
        self.count += 1
        path = f"/analytics/reports/{self.report_id}/instances"
        started = object_of(self._ask("POST", f"{path}?includeDetails=true", run))
        instance = started.get("id")
        if not isinstance(instance, str) or not instance.isalnum():
            raise ReportError(
                ErrorKind.NOT_CSV,
                "Salesforce started a report run but gave no id for it.",
                remedy=ODD_ANSWER_REMEDY,
                permanent=True,
            )
        wait_s = FIRST_POLL_S
        while True:
            self.api.pause(wait_s)
            wait_s = min(wait_s * POLL_GROWTH, LONGEST_POLL_S)
            answer = self._parsed(
                self.api.patiently(
                    lambda: self.api.ask("GET", f"{path}/{instance}", limit_bytes=LARGEST_ANSWER_BYTES), JOB_TRIES
                ),
                run.shape,
            )
            if answer.status not in ("New", "Running"):
                break
        if answer.status != "Success":
            raise _failed(answer)
        return answer

    def _ask(self, method: str, path: str, run: Run, deadline: Deadline | None = None) -> CompleteAnswer:
        document = None
        if method == "POST":
            document = {} if run.metadata is None else {"reportMetadata": run.metadata}
        return self.api.ask(method, path, document, limit_bytes=LARGEST_ANSWER_BYTES, deadline=deadline)

    @staticmethod
    def _parsed(answer: CompleteAnswer, shape: Shape) -> RunAnswer:
        return parse_answer(answer.body, shape)

    def _may_succeed_later(self, error: ReportError) -> bool:
        if self.api.deadline.remaining_s(time.monotonic()) <= 0 or self.api.transport.is_aborted:
            return False
        if isinstance(error, RunsSpentError) or error.kind is ErrorKind.TIMEOUT:
            return True
        return error.kind is ErrorKind.SERVER and (error.http_status == 504 or bool(_TIMED_OUT.search(error.message)))


def _failed(answer: RunAnswer) -> ReportError:
    """The error of an asynchronous run that ended otherwise than well; without a known reason it may be repeated."""
    rule = rule_in(answer.status_message, Subject.REPORT_RUN)
    reason = f": {said(answer.status_message, LONGEST_SAID)}" if answer.status_message else "."
    return ReportError(
        ErrorKind.SERVER if rule is None else rule.kind,
        f"An asynchronous report run ended as `{said(answer.status)}`{reason}",
        remedy=None if rule is None else rule.remedy_for(Subject.REPORT_RUN),
        permanent=rule is not None and not rule.is_transient,
    )


def _checked(answer: RunAnswer, run: Run) -> RunAnswer:
    """Refuse an answer to something else than what was asked."""
    if not answer.has_details:
        raise ReportError(
            ErrorKind.INVALID,
            "Salesforce ran the report without its detail rows.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    if answer.detail_columns and answer.detail_columns != run.columns:
        raise ReportError(
            ErrorKind.INVALID,
            "Salesforce ran the report with other columns than those asked for: "
            f"{', '.join(answer.detail_columns)} instead of {', '.join(run.columns)}.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    return answer
