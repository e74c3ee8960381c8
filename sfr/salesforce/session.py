"""The current session, shared by all threads: one log-in per run, and one renewal for all threads when it is lost.

Knows no log-in method and sends nothing itself. Never logs out: another program may use the same session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.errors import LogInError
from sfr.redaction import Redactor, Secret
from sfr.salesforce.auth.grants import Grant
from sfr.salesforce.hosts import instance_url

if TYPE_CHECKING:
    from sfr.salesforce.auth.grants import LogInContext


@dataclass(frozen=True, slots=True)
class Session:
    """A way into the org. Headers are built per request, so that no thread goes on with a lost session."""

    access_token: Secret
    #: Origin that may be sent the token: judged by `sfr.salesforce.hosts`.
    instance_url: str
    #: 1 for the first log-in of the run, one more for each renewal.
    generation: int

    def cookie_headers(self) -> dict[str, str]:
        """For what a browser would ask: the classic export."""
        return {"Cookie": f"sid={self.access_token.reveal()}"}

    def bearer_headers(self) -> dict[str, str]:
        """For the REST API."""
        return {"Authorization": f"Bearer {self.access_token.reveal()}"}


class CurrentSession:
    """Logs in, renews, and remembers a refusal: nothing is asked again once the log-in was refused. Thread-safe."""

    def __init__(self, log_in: Callable[[], Grant], domain: str, redactor: Redactor) -> None:
        self._log_in = log_in
        self._domain = domain
        self._redactor = redactor
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._refusal: str | None = None
        #: What the log-ins had to say, for the log; each sentence once.
        self.notes: tuple[str, ...] = ()

    @classmethod
    def for_method(cls, name: str, settings: object, context: LogInContext) -> CurrentSession:
        """For the method of that name in `sfr.salesforce.auth.METHODS`."""
        from sfr.salesforce.auth import METHODS

        method = METHODS[name]
        return cls(lambda: method.log_in(settings, context), context.domain, context.redactor)

    def log_in(self) -> Session:
        """The session; logs in if there is none yet.

        Raises LogInError if it is refused, now or before, and ReportError if Salesforce could not be reached or was
        busy: then the caller may try again.
        """
        with self._lock:
            self._raise_refusal()
            return self._session or self._log_in_anew()

    def renew(self, stale: Session) -> Session:
        """A session newer than a lost one. Of all threads that lost the same one, only the first logs in.

        Raises LogInError and ReportError like `log_in`, and LogInError if the method gives the lost session again.
        """
        with self._lock:
            self._raise_refusal()
            if self._session is not None and self._session.generation > stale.generation:
                return self._session
            return self._log_in_anew(stale)

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            # A fresh one for each thread: a raised exception collects the traceback of its thread.
            raise LogInError(self._refusal)

    def _log_in_anew(self, stale: Session | None = None) -> Session:
        try:
            grant = self._log_in()
            self._redactor.add(grant.access_token)
            if stale is not None and grant.access_token == stale.access_token:
                raise LogInError(
                    "The session was lost, and the log-in gave the same session again. Get a fresh session id, or use "
                    "a log-in method that can renew it, such as `jwt` or `client_credentials`."
                )
            generation = self._session.generation + 1 if self._session else 1
            session = Session(grant.access_token, instance_url(grant.instance_url, self._domain), generation)
        except LogInError as refusal:
            self._refusal = str(refusal)
            raise
        self.notes = tuple(dict.fromkeys((*self.notes, *grant.notes)))
        self._session = session
        return session
