"""Verifies JWT bearer assertions: the signature and the claims."""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

_MAX_DURATION_S = 330
"""`exp` may be five minutes ahead, and clocks may differ by half a minute."""
_MILLISECONDS_FROM = 100_000_000_000


class AssertionRefused(Exception):  # noqa: N818 - the name says what happened
    """The assertion is rejected, with OAuth's `error` and `description`."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


def check_assertion(
    assertion: str, keys: Sequence[RSAPublicKey], *, client_id: str, username: str, audiences: tuple[str, ...]
) -> None:
    """Raise AssertionRefused unless the assertion is signed with one of these keys and has these claims.

    audiences: accepted values of `aud`; any Salesforce host is accepted too.
    """
    claims = _verified_claims(assertion, keys)
    if claims.get("iss") != client_id:
        raise AssertionRefused("invalid_client_id", "client identifier invalid")
    audience = claims.get("aud")
    if not isinstance(audience, str) or not _is_audience(audience, audiences):
        raise AssertionRefused("invalid_grant", "audience is invalid")
    now = time.time()
    if not now <= _seconds(claims.get("exp")) <= now + _MAX_DURATION_S:
        raise AssertionRefused("invalid_grant", "invalid assertion: exp must lie within the next five minutes")
    if str(claims.get("sub") or claims.get("prn")).lower() != username.lower():
        raise AssertionRefused("invalid_grant", "user hasn't approved this consumer")


def _verified_claims(assertion: str, keys: Sequence[RSAPublicKey]) -> dict[str, Any]:
    try:
        head, body, signature = assertion.split(".")
        header = json.loads(_decode(head))
        claims = json.loads(_decode(body))
        if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "RS256":
            raise AssertionRefused("invalid_grant", "invalid assertion")
        if not any(_is_signed(key, _decode(signature), f"{head}.{body}".encode()) for key in keys):
            raise AssertionRefused("invalid_grant", "invalid assertion")
    except (ValueError, binascii.Error):
        raise AssertionRefused("invalid_grant", "invalid assertion") from None
    return claims


def _is_signed(key: RSAPublicKey, signature: bytes, text: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    try:
        key.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _seconds(moment: object) -> float:
    """`exp` in seconds. Clients also send strings (simple-salesforce) or milliseconds (the Salesforce CLI)."""
    if isinstance(moment, str) and moment.isdigit():
        moment = float(moment)
    if not isinstance(moment, (int, float)):
        return 0.0
    return moment / 1000 if moment > _MILLISECONDS_FROM else float(moment)


def _is_audience(audience: str, audiences: tuple[str, ...]) -> bool:
    audience = audience.rstrip("/")
    host = audience.removeprefix("https://")
    return audience in audiences or (host != audience and "/" not in host and host.endswith(".salesforce.com"))


def _decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
