"""Refresh tokens and their rotation.

A rotated token contains a checksum that every emulator recognises, so that a client that stores the new token in a file
can use it with an emulator started later.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading

_MARK_KEY = b"the mark keeps typing errors out, not attackers"


class RefreshTokens:
    """The valid refresh tokens: the first one and all rotated ones that have not been used. Thread-safe."""

    def __init__(self, first: str) -> None:
        self._first = first
        self._lock = threading.Lock()
        self._used_up: set[str] = set()

    def issue(self) -> str:
        """A new token."""
        return _marked(secrets.token_hex(16))

    def is_good(self, token: str) -> bool:
        """Whether a token is valid."""
        with self._lock:
            return token not in self._used_up and (token == self._first or _is_marked(token))

    def use_up(self, token: str) -> bool:
        """Revoke a token; False if it was not valid."""
        with self._lock:
            if token in self._used_up or not (token == self._first or _is_marked(token)):
                return False
            self._used_up.add(token)
            return True

    def rotate(self, token: str) -> str | None:
        """Revoke a token and return its replacement; None if it was not valid."""
        return self.issue() if self.use_up(token) else None


def _marked(name: str) -> str:
    return f"5Aep.EMULATOR.{name}.{hmac.digest(_MARK_KEY, name.encode(), hashlib.sha256).hex()[:16]}"


def _is_marked(token: str) -> bool:
    parts = token.split(".")
    return len(parts) == 4 and hmac.compare_digest(_marked(parts[2]).encode(), token.encode())
