"""Authorization codes: good once, for some minutes, for one app, `redirect_uri` and PKCE challenge."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Approval:
    """What a user approved. code_challenge: of method S256, or empty without PKCE."""

    client_id: str
    redirect_uri: str
    code_challenge: str
    issued_at_s: float

    def verifies(self, code_verifier: str) -> bool:
        """Whether the verifier belongs to the challenge; without a challenge there is nothing to verify."""
        if not self.code_challenge:
            return True
        digest = hashlib.sha256(code_verifier.encode()).digest()
        made = base64.urlsafe_b64encode(digest).rstrip(b"=")
        return hmac.compare_digest(made, self.code_challenge.rstrip("=").encode())


class AuthorizationCodes:
    """The codes that have not been used. Thread-safe."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._approvals: dict[str, Approval] = {}

    def issue(self, client_id: str, redirect_uri: str, code_challenge: str) -> str:
        """A new code."""
        code = f"aPrx.EMULATOR.{secrets.token_urlsafe(32)}"
        with self._lock:
            self._approvals[code] = Approval(client_id, redirect_uri, code_challenge, self._clock())
        return code

    def take(self, code: str, life_s: float) -> Approval | None:
        """What the code was issued for; the code is used up. None for an unknown, used or expired code."""
        with self._lock:
            approval = self._approvals.pop(code, None)
        return approval if approval and self._clock() - approval.issued_at_s <= life_s else None
