"""From a token to a browser session: `/secur/frontdoor.jsp` (salesforce-facts.md §2), once per session of the run.

An OAuth token is no session id of a browser; one with scope `web` or `full` can be turned into one. Without such a
scope, or with a lost token, Salesforce answers with its log-in page, and the export stays refused.
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

if TYPE_CHECKING:
    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session

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

        The first caller asks, the others wait for its answer.
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
        except ReportError as error:
            if error.kind is ErrorKind.INTERRUPTED:
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
