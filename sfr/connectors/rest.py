"""The REST API as the connectors use it: JSON out, JSON in, errors explained, the session kept, usage watched.

One `RestApi` serves one attempt at one report, in one thread. It repeats a request only where the caller permits it
(`patiently`); all else is for the ledger. Sources: salesforce-facts.md §3.
"""

from __future__ import annotations

import json
import logging
import math
import random
import re
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sfr.connectors.api_limits import ApiUsage, parse_limit_info
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.network.exchange import interruption
from sfr.network.fault_rules import Subject
from sfr.network.statuses import status_error
from sfr.network.transport import ASK_LIMIT_BYTES, Request
from sfr.network.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.connectors.exchange import Exchange
    from sfr.network.answers import CompleteAnswer
    from sfr.network.pace import Deadline
    from sfr.network.transport import Transport
    from sfr.session import Session

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Times that one small request is sent before its error counts.
PATIENT_TRIES = 4
#: The same where much work would be lost: a job that Salesforce has finished, a report of which much has come.
JOB_TRIES = 7
#: Waits between them double from the first to the longest: for a job up to 36 seconds in all.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 20.0
#: No further try begins later than this after the first failure, whatever `Retry-After` said.
PATIENCE_S = 180.0
#: A longer Retry-After than this is for the ledger, which frees the thread meanwhile.
LONGEST_RETRY_AFTER_S = 60.0
#: How long a wait goes on before it looks whether the run was stopped.
TICK_S = 0.1

#: What a path below `/services/data/vNN` is about; the first that fits.
_SUBJECTS = (
    (re.compile(r"/jobs/query/."), Subject.QUERY_JOB),
    (re.compile(r"/jobs/query"), Subject.QUERY),
    (re.compile(r"/analytics/reports/[^/]+/instances/."), Subject.REPORT_RUN),
    (re.compile(r"/analytics/reports/"), Subject.REPORT),
)


def subject_of(path: str) -> Subject:
    """What a request for this path is about."""
    return next((subject for pattern, subject in _SUBJECTS if pattern.match(path)), Subject.ORG)


class RestApi:
    """Asks the REST API for one attempt. Every method raises `ReportError`."""

    def __init__(
        self,
        transport: Transport,
        session: Session,
        api_version: str,
        deadline: Deadline,
        renew: Callable[[Session], Session] | None = None,
    ) -> None:
        self.transport, self.session, self.deadline = transport, session, deadline
        #: How much of the day's API requests the org says are used; None until it has said.
        self.usage: ApiUsage | None = None
        #: Requests sent.
        self.calls = 0
        self._root = f"/services/data/v{api_version}"
        self._renew = renew
        self._working_generation: int | None = None

    @classmethod
    def of(cls, exchange: Exchange) -> RestApi:
        """For one attempt."""
        return cls(exchange.transport, exchange.session, exchange.api_version, exchange.deadline, exchange.renew)

    def request(self, method: str, path: str, body: bytes | None = None, accept: str = "application/json") -> Request:
        """A request with the session of now. path: below `/services/data/vNN`, or from `/services/` on."""
        url = self.session.instance_url + (path if path.startswith("/services/") else self._root + path)
        headers = {"Accept": accept, **self.session.bearer_headers()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return Request(method, url, headers, body)

    def ask(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        limit_bytes: int = ASK_LIMIT_BYTES,
        deadline: Deadline | None = None,
    ) -> CompleteAnswer:
        """Send one request, with a JSON body if there is a document; a success's answer.

        A session that was lost since an earlier answer is renewed, and the request sent once more.
        """
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()

        def send() -> CompleteAnswer:
            self.calls += 1
            request = self.request(method, path, body)
            answer = self.transport.ask(request, deadline or self.deadline, limit_bytes=limit_bytes)
            self.note_usage(answer.headers.get("Sforce-Limit-Info"))
            error = error_of(answer, subject_of(path))
            if error is not None:
                raise error
            return answer

        return self.with_session(send)

    def with_session(self, send: Callable[[], _T]) -> _T:
        """Do what sends a request; once more with a renewed session, if that was lost in the middle of the attempt."""
        try:
            result = send()
        except ReportError as error:
            was_working = self._working_generation == self.session.generation
            if error.kind is not ErrorKind.AUTH or error.permanent or self._renew is None or not was_working:
                raise
            log.info("The session was lost in the middle of a report: %s", error.message)
            self.session = self._renew(self.session)
            result = send()
        self._working_generation = self.session.generation
        return result

    def patiently(self, ask: Callable[[], _T], tries: int = PATIENT_TRIES) -> _T:
        """Repeat a request after a failure that passes: one that changes nothing, within a long report.

        Bounded by `tries`, `PATIENCE_S` and the attempt's deadline. Raises the last `ReportError`, and
        `interrupted` as soon as the run is stopped.
        """
        wait_s, end_clock_s = FIRST_WAIT_S, math.inf
        for left in range(tries - 1, -1, -1):
            try:
                return ask()
            except ReportError as error:
                now_s = time.monotonic()
                end_clock_s = min(end_clock_s, now_s + PATIENCE_S)
                pause_s = max(error.retry_after_s or 0.0, random.uniform(wait_s / 2, wait_s))  # noqa: S311 - jitter
                is_too_long = (error.retry_after_s or 0.0) > LONGEST_RETRY_AFTER_S or now_s + pause_s > end_clock_s
                is_over = self.deadline.remaining_s(now_s) <= 0
                if not error.is_retryable or is_too_long or is_over or not left:
                    raise
                log.debug("Repeated in %.1f s: %s", pause_s, error.message)
                self.pause(pause_s)
                wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        raise AssertionError("the last try returns or raises")

    def pause(self, seconds: float) -> None:
        """Wait; raises `ReportError` as soon as the run is stopped or the attempt's time is over."""
        never = threading.Event()
        end_clock_s = time.monotonic() + seconds
        while (left_s := end_clock_s - time.monotonic()) > 0:
            if self.transport.is_aborted:
                raise interruption()
            if self.deadline.remaining_s(time.monotonic()) <= 0:
                raise ReportError(ErrorKind.TIMEOUT, f"The report was not complete within {self.deadline.limit}.")
            never.wait(min(left_s, TICK_S))

    def note_usage(self, limit_info: str | None) -> None:
        """Take note of a `Sforce-Limit-Info` header."""
        self.usage = parse_limit_info(limit_info) or self.usage


def error_of(answer: CompleteAnswer, subject: Subject = Subject.ORG) -> ReportError | None:
    """What an answer says went wrong; None for a success."""
    is_success = 200 <= answer.status < 300
    error = None if is_success else status_error(answer.status, answer.headers, answer.text, subject=subject)
    if looks_like_page(answer.body):
        return page_error(answer.status, answer.body, url=answer.url, headers=answer.headers, by_status=error)
    return error


def object_of(answer: CompleteAnswer) -> dict[str, object]:
    """The JSON object of an answer; raises `ReportError` where it is none."""
    document = answer.json()
    if isinstance(document, dict):
        return document
    raise ReportError(
        ErrorKind.NOT_CSV,
        "Salesforce answered with JSON of an unknown form.",
        remedy=ODD_ANSWER_REMEDY,
        http_status=answer.status,
        permanent=True,
    )
