"""From a token to a browser session: `/secur/frontdoor.jsp` (salesforce-facts.md §2), once per session of the run.

An OAuth token is no session id of a browser; one with scope `web` or `full` can be turned into one. Without such a
scope, or with a lost token, Salesforce answers with its log-in page, and the export stays refused. What passes, or bars
the user from the org, is raised and not remembered.
"""

from __future__ import annotations

import logging
import re
import threading
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sfr.errors import ErrorKind, ReportError
from sfr.network.statuses import status_error
from sfr.network.transport import Request
from sfr.network.web_pages import classify_redirect, looks_like_page, page_error
from sfr.redaction import Redactor, Secret

if TYPE_CHECKING:
    from sfr.network.answers import Answer
    from sfr.network.pace import Deadline
    from sfr.network.transport import Transport
    from sfr.session import Session

log = logging.getLogger(__name__)

#: An answer may set several cookies, which come joined by commas.
_SID = re.compile(r"(?:^|,)\s*sid=([^;,\s]+)")


class Frontdoor:
    """What the sessions of one run became at the front door. Thread-safe; asks once for all threads."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lock = threading.Lock()
        self._bridged: dict[int, Session | None] = {}
        self._fit: set[int] = set()

    def browser_session(self, session: Session) -> Session:
        """The browser session that this one was turned into; itself where it was not."""
        return self._bridged.get(session.generation) or session

    def note_fit(self, session: Session) -> None:
        """The export took this session as it is, so that a refusal later means that it was lost."""
        self._fit.add(session.generation)

    def open(self, session: Session, transport: Transport, deadline: Deadline) -> Session | None:
        """Turn a session that the export refused into a browser session; None if that cannot be.

        The first caller asks, the others wait for its answer. Raises ReportError where there was none, or one that
        another attempt may not get, and for a page that stands between the user and the org.
        """
        if session.generation in self._fit:
            return None
        with self._lock:
            if session.generation not in self._bridged:
                self._bridged[session.generation] = self._ask(session, transport, deadline)
            return self._bridged[session.generation]

    def _ask(self, session: Session, transport: Transport, deadline: Deadline) -> Session | None:
        body = urlencode({"sid": session.access_token.reveal(), "retURL": "/"}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = Request("POST", f"{session.instance_url}/secur/frontdoor.jsp", headers, body, is_followed=False)
        try:
            with transport.send(request, deadline) as answer:
                cookie = _SID.search(answer.headers.get("Set-Cookie", ""))
                if cookie is None and (refusal := _refusal(answer)) is not None:
                    raise refusal
        except ReportError as error:
            if error.kind is ErrorKind.INTERRUPTED or error.is_retryable or error.concerns_every_report:
                raise
            log.info("The token was not turned into a browser session: %s", error.message)
            return None
        if cookie is None:
            log.info("Salesforce did not turn the token into a browser session: its scopes may lack `web`.")
            return None
        token = Secret(cookie[1])
        self._redactor.add(token)
        log.info("The export refuses the token; a browser session made of it is used instead.")
        return replace(session, access_token=token)


def _refusal(answer: Answer) -> ReportError | None:
    """What an answer without a cookie says; None for a redirect that leads to nothing in particular."""
    if location := answer.headers.get("Location"):
        return classify_redirect(location, answer.url)
    body = answer.excerpt()
    if looks_like_page(body):
        return page_error(answer.status, body, url=answer.url, headers=answer.headers)
    return None if answer.status == 200 else status_error(answer.status, answer.headers, body)
