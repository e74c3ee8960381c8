"""Exchanges an access token for a browser session at `/secur/frontdoor.jsp` (salesforce-facts.md §2), once per session.

An OAuth token is not a browser session id, but one with scope `web` or `full` can be exchanged for one. Without such a
scope, or with an expired token, Salesforce returns its log-in page and the export remains unauthorized. Transient
errors, and interstitial pages that keep the user out of the org, are raised and not cached.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.errors import ErrorKind, ReportError
from sfr.redaction import Redactor, Secret
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import classify_redirect, looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.responses import Response
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session

log = logging.getLogger(__name__)

#: A response may set several cookies, which arrive joined by commas.
_SID = re.compile(r"(?:^|,)\s*sid=([^;,\s]+)")


class Frontdoor:
    """The browser sessions of one run, by the session they replace. Thread-safe: one request serves all threads."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._bridged: dict[int, Session | None] = {}
        self._fit: set[int] = set()

    def browser_session(self, session: Session) -> Session:
        """The browser session made from this session; the session itself if none was made."""
        return self._bridged.get(session.generation) or session

    def mark_accepted(self, session: Session) -> None:
        """Record that the export accepted this session, so that a later rejection means it has expired."""
        self._fit.add(session.generation)

    def open(self, session: Session, transport: Transport, deadline: Deadline) -> Session | None:
        """Exchange a session that the export rejected for a browser session; None if that is not possible.

        The first caller sends the request, the others wait for its result. Raises ReportError for a transient error and
        for an interstitial page, such as an expired password.
        """
        if session.generation in self._fit:
            return None
        with self._lock:
            if session.generation not in self._bridged:
                self._bridged[session.generation] = self._request(session, transport, deadline)
            return self._bridged[session.generation]

    def _request(self, session: Session, transport: Transport, deadline: Deadline) -> Session | None:
        body = urlencode({"sid": session.access_token.reveal(), "retURL": "/"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Request("POST", f"{session.instance_url}/secur/frontdoor.jsp", headers, body, is_followed=False)
        try:
            with transport.stream(request, deadline) as response:
                cookie = _SID.search(response.headers.get("Set-Cookie", ""))
                if cookie is None and (refusal := _refusal(response)) is not None:
                    raise refusal
        except ReportError as error:
            if error.kind is ErrorKind.INTERRUPTED or error.is_retryable or error.concerns_every_report:
                raise
            log.info("The access token could not be exchanged for a browser session: %s", error.message)
            return None
        if cookie is None:
            log.info("Salesforce did not return a browser session for the access token: its scopes may lack `web`.")
            return None
        token = Secret(cookie[1])
        self._redactor.add(token)
        log.info("The export rejects the access token; using a browser session created from it instead.")
        return replace(session, access_token=token)


def _refusal(response: Response) -> ReportError | None:
    """The error of a response without a session cookie; None for a redirect without a specific meaning."""
    if location := response.headers.get("Location"):
        return classify_redirect(location, response.url)
    body = response.excerpt()
    if looks_like_page(body):
        return page_error(response.status, body, url=response.url, headers=response.headers)
    return None if response.status == 200 else status_error(response.status, response.headers, body)
