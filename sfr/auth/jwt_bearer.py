"""Log-in method `jwt`: the OAuth JWT bearer flow, signed with a private key. No password, no person, no refresh token.

PyJWT and cryptography are loaded at log-in only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sfr.auth.grants import Grant, LogInContext
from sfr.auth.oauth import TOKEN_PATH, request_grant
from sfr.auth.private_key import load_rsa_key
from sfr.config.checks import check_secure_url
from sfr.config.fields import option
from sfr.errors import LogInError

#: Salesforce takes assertions that end within three minutes.
ASSERTION_LIFE_S = 180

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class JwtSettings:
    """`salesforce.auth.jwt`: needs an app that holds the key's certificate and is approved for the user."""

    client_id: str = option("The app's consumer key.")
    username: str = option("The user to log in as.")
    private_key_file: str | None = option(
        "PEM file of the RSA private key, without a passphrase; may be left out with `domain: emulator` only.",
        default=None,
        is_secret_file=True,
    )
    audience: str = option(
        "`https://login.salesforce.com`, `https://test.salesforce.com` for a sandbox, or the org's My Domain.",
        default="https://login.salesforce.com",
    )
    token_url: str | None = option(
        "Where the token is asked for; null = `/services/oauth2/token` on `salesforce.domain`.",
        default=None,
        check=check_secure_url,
    )


def log_in(settings: JwtSettings, context: LogInContext, *, wall_clock: Callable[[], float] = time.time) -> Grant:
    """Sign an assertion and get an access token for it. Raises LogInError, ReportError."""
    assertion = _sign(settings, int(wall_clock()))
    context.redactor.add(assertion)
    url = settings.token_url or context.domain + TOKEN_PATH
    grant, _ = request_grant(context, url, {"grant_type": GRANT_TYPE, "assertion": assertion}, method="jwt")
    return grant


def _sign(settings: JwtSettings, now_s: int) -> str:
    try:
        import jwt
    except ImportError as error:
        raise LogInError("The log-in method `jwt` needs PyJWT: pip install 'PyJWT[crypto]'.") from error
    claims = {
        "iss": settings.client_id,
        "sub": settings.username,
        "aud": settings.audience,
        "exp": now_s + ASSERTION_LIFE_S,
    }
    return jwt.encode(claims, load_rsa_key(settings.private_key_file or ""), algorithm="RS256")
