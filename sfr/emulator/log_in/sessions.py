"""The org's sessions: issued at log-in, extended by use, ended by time, revocation or a test. Thread-safe."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sfr.emulator.log_in.credentials import ORG_ID

SessionKind = Literal["browser", "soap", "oauth"]
DEFAULT_SCOPES = frozenset({"api", "web", "refresh_token"})


@dataclass(slots=True)
class Session:
    """A session. `used_at_s` is on the store's clock; `verified`: its user has passed the second factor for exports."""

    token: str
    kind: SessionKind
    scopes: frozenset[str]
    used_at_s: float
    verified: bool = False

    @property
    def opens_pages(self) -> bool:
        """Whether the token works as a `sid` cookie: browser and SOAP sessions, or the scope `web` or `full`."""
        return self.kind != "oauth" or bool(self.scopes & {"web", "full"})

    @property
    def opens_api(self) -> bool:
        """Whether the token works as a Bearer token for REST."""
        return self.kind != "oauth" or bool(self.scopes & {"api", "full"})


class SessionStore:
    """All live sessions. `idle_s` is called at every look-up, since a scenario may change it."""

    def __init__(self, clock: Callable[[], float], idle_s: Callable[[], float]) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._idle_s = idle_s
        self._sessions: dict[str, Session] = {}

    def issue(self, kind: SessionKind, scopes: frozenset[str] = DEFAULT_SCOPES, *, token: str | None = None) -> Session:
        """A new session with a random token, or with the given one."""
        token = token or f"{ORG_ID[:15]}!EMULATOR.{secrets.token_hex(36)}"
        session = Session(token, kind, scopes, self._clock())
        with self._lock:
            self._sessions[token] = session
        return session

    def find(self, token: str | None) -> Session | None:
        """The live session of this token, whose idle time is reset; None if there is none."""
        if token is None:
            return None
        with self._lock:
            session = self._sessions.get(token)
            if session is None:
                return None
            now = self._clock()
            if now - session.used_at_s > self._idle_s():
                del self._sessions[token]
                return None
            session.used_at_s = now
            return session

    def end(self, token: str) -> bool:
        """End one session; False if it had already ended."""
        with self._lock:
            return self._sessions.pop(token, None) is not None

    def end_all(self) -> None:
        """End every session, as an administrator can."""
        with self._lock:
            self._sessions.clear()

    def verify_all(self) -> None:
        """Mark every session's user as having passed the second factor."""
        with self._lock:
            for session in self._sessions.values():
                session.verified = True
