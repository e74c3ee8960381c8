"""The current session, shared by all threads: one log-in per run, and one renewal for all threads if it is lost.

Independent of the log-in method; sends no requests itself. Never logs out: another program may use the same session.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import Grant
from sfr.salesforce.hosts import instance_url

if TYPE_CHECKING:
    from sfr.salesforce.auth.grants import LogInContext


@dataclass(frozen=True, slots=True)
class Session:
    """An authenticated session. Headers are built per request, so that no thread continues with a lost session."""

    access_token: Secret
    #: The origin that the token may be sent to, checked by `sfr.salesforce.hosts`.
    instance_url: str
    #: 1 for the first log-in of the run, one more for each renewal.
    generation: int

    def cookie_headers(self) -> dict[str, str]:
        """Headers for browser requests: the classic export."""
        return {"Cookie": f"sid={self.access_token.reveal()}"}

    def bearer_headers(self) -> dict[str, str]:
        """Headers for the REST API."""
        return {"Authorization": f"Bearer {self.access_token.reveal()}"}


class CurrentSession:
    """Logs in and renews the session; once a log-in has been refused, it is not attempted again. Thread-safe."""

    def __init__(self, log_in: Callable[[], Grant], domain: str) -> None:
        self._log_in = log_in
        self._domain = domain
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._refusal: str | None = None
        #: Log-in warnings, deduplicated.
        self.notes: tuple[str, ...] = ()

    @classmethod
    def for_method(cls, name: str, settings: object, context: LogInContext) -> CurrentSession:
        """A session for a log-in method, by its name in `sfr.salesforce.auth.METHODS`."""
        from sfr.salesforce.auth import METHODS

        method = METHODS[name]
        return cls(lambda: method.log_in(settings, context), context.domain)

    def log_in(self) -> Session:
        """The session; logs in if there is none yet.

        Raises LogInError if the log-in is refused, now or earlier, and ReportError if Salesforce is unreachable or
        busy, which the caller may retry.
        """
        with self._lock:
            self._raise_refusal()
            return self._session or self._log_in_again()

    def renew(self, stale: Session) -> Session:
        """A session newer than `stale`. Of all threads that lost the same session, only the first logs in.

        Raises LogInError and ReportError like `log_in`, and LogInError if the method gives the lost session again.
        """
        with self._lock:
            self._raise_refusal()
            if self._session is not None and self._session.generation > stale.generation:
                return self._session
            return self._log_in_again(stale)

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            # A new exception for each thread: a raised exception collects its thread's traceback.
            raise LogInError(self._refusal)

    def _log_in_again(self, stale: Session | None = None) -> Session:
        try:
            grant = self._log_in()
            if stale is not None and grant.access_token == stale.access_token:
                raise LogInError(
                    "The session was lost, and the log-in returned the same session again. Get a new session id, or "
                    "use "
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
