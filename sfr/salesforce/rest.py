"""A client for Salesforce's REST API: JSON requests and responses, errors, session renewal, API usage.

One `RestApi` serves one attempt at one report, in one thread. It retries a request only where the caller permits it
(`with_retries`); all other retries are decided by the ledger. Sources: salesforce-facts.md §3.
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

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.fault_rules import Subject
from sfr.salesforce.http.live_sockets import interruption
from sfr.salesforce.http.transport import SMALL_RESPONSE_BYTES, Request
from sfr.salesforce.limits import ApiUsage, parse_limit_info
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.responses import FullResponse
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.routes.context import FetchContext
    from sfr.salesforce.session import Session

log = logging.getLogger(__name__)

_T = TypeVar("_T")

#: Attempts at one small request.
DEFAULT_TRIES = 4
#: Attempts where much work would be lost: a finished job, a report of which much has been received.
JOB_TRIES = 7
#: Waits between attempts double from the first to the longest: up to 36 seconds in total for a job.
FIRST_WAIT_S, MAX_WAIT_S = 0.5, 20.0
#: No retry begins later than this after the first failure, whatever `Retry-After` says.
RETRY_WINDOW_S = 180.0
#: A longer Retry-After is left to the ledger, which frees the thread in the meantime.
MAX_RETRY_AFTER_S = 60.0
#: Interval at which a wait checks whether the run was stopped.
TICK_S = 0.1

#: The subject of a path below `/services/data/vNN`; the first match applies.
_SUBJECTS = (
    (re.compile(r"/jobs/query/."), Subject.QUERY_JOB),
    (re.compile(r"/jobs/query"), Subject.QUERY),
    (re.compile(r"/analytics/reports/[^/]+/instances/."), Subject.REPORT_RUN),
    (re.compile(r"/analytics/reports/"), Subject.REPORT),
)


def subject_of(path: str) -> Subject:
    """The subject of a request to this path."""
    return next((subject for pattern, subject in _SUBJECTS if pattern.match(path)), Subject.ORG)


class RestApi:
    """REST calls of one attempt. Every method raises `ReportError`."""

    def __init__(
        self,
        transport: Transport,
        session: Session,
        api_version: str,
        deadline: Deadline,
        renew: Callable[[Session], Session] | None = None,
    ) -> None:
        self.transport, self.session, self.deadline = transport, session, deadline
        #: The org's API usage of the last 24 hours, from the latest response that contained it.
        self.usage: ApiUsage | None = None
        #: Number of requests sent.
        self.calls = 0
        self._root = f"/services/data/v{api_version}"
        self._renew = renew
        self._working_generation: int | None = None

    @classmethod
    def of(cls, context: FetchContext) -> RestApi:
        """A client for one attempt."""
        return cls(context.transport, context.session, context.api_version, context.deadline, context.renew)

    def request(self, method: str, path: str, body: bytes | None = None, accept: str = "application/json") -> Request:
        """A request with the current session. path: below `/services/data/vNN`, or starting with `/services/`."""
        url = self.session.instance_url + (path if path.startswith("/services/") else self._root + path)
        headers = {"Accept": accept, **self.session.bearer_headers()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return Request(method, url, headers, body)

    def call(
        self,
        method: str,
        path: str,
        document: object = None,
        *,
        limit_bytes: int = SMALL_RESPONSE_BYTES,
        deadline: Deadline | None = None,
    ) -> FullResponse:
        """Send one request, with `document` as its JSON body, if any; returns the response if successful.

        If the session was lost since an earlier response, it is renewed and the request sent again.
        """
        body = None if document is None else json.dumps(document, ensure_ascii=False).encode()

        def send() -> FullResponse:
            self.calls += 1
            request = self.request(method, path, body)
            response = self.transport.send(request, deadline or self.deadline, limit_bytes=limit_bytes)
            self.record_usage(response.headers.get("Sforce-Limit-Info"))
            error = error_of(response, subject_of(path))
            if error is not None:
                raise error
            return response

        return self.with_session(send)

    def with_session(self, send: Callable[[], _T]) -> _T:
        """Call `send`; if the session turns out to be lost during the attempt, renew it and call `send` again."""
        try:
            result = send()
        except ReportError as error:
            was_working = self._working_generation == self.session.generation
            if error.kind is not ErrorKind.AUTH or error.permanent or self._renew is None or not was_working:
                raise
            log.info("The session was lost while fetching a report: %s", error.message)
            self.session = self._renew(self.session)
            result = send()
        self._working_generation = self.session.generation
        return result

    def with_retries(self, send: Callable[[], _T], tries: int = DEFAULT_TRIES) -> _T:
        """Send a request, and retry after transient failures: for requests without side effects within a long report.

        Bounded by `tries`, `RETRY_WINDOW_S` and the attempt's deadline. Raises the last `ReportError`, and
        `interrupted` as soon as the run is stopped.
        """
        wait_s, end_clock_s = FIRST_WAIT_S, math.inf
        for left in range(tries - 1, -1, -1):
            try:
                return send()
            except ReportError as error:
                now_s = time.monotonic()
                end_clock_s = min(end_clock_s, now_s + RETRY_WINDOW_S)
                pause_s = max(error.retry_after_s or 0.0, random.uniform(wait_s / 2, wait_s))  # noqa: S311 - jitter
                is_too_long = (error.retry_after_s or 0.0) > MAX_RETRY_AFTER_S or now_s + pause_s > end_clock_s
                is_over = self.deadline.remaining_s(now_s) <= 0
                if not error.is_retryable or is_too_long or is_over or not left:
                    raise
                log.debug("Retrying in %.1f s: %s", pause_s, error.message)
                self.pause(pause_s)
                wait_s = min(2 * wait_s, MAX_WAIT_S)
        raise AssertionError("the last attempt returns or raises")

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

    def record_usage(self, limit_info: str | None) -> None:
        """Record the usage in a `Sforce-Limit-Info` header."""
        self.usage = parse_limit_info(limit_info) or self.usage


def error_of(response: FullResponse, subject: Subject = Subject.ORG) -> ReportError | None:
    """The error of a response; None for a success."""
    is_success = 200 <= response.status < 300
    error = None if is_success else status_error(response.status, response.headers, response.text, subject=subject)
    if looks_like_page(response.body):
        return page_error(response.status, response.body, url=response.url, headers=response.headers, by_status=error)
    return error


def object_of(response: FullResponse) -> dict[str, object]:
    """The JSON object of a response; raises `ReportError` if it is anything else."""
    document = response.json()
    if isinstance(document, dict):
        return document
    raise ReportError(
        ErrorKind.NOT_CSV,
        "Salesforce returned JSON of an unknown form.",
        remedy=ODD_ANSWER_REMEDY,
        http_status=response.status,
        permanent=True,
    )
