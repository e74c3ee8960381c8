"""Log-in method `jwt`: the OAuth JWT bearer flow, signed with a private key. No password, person or refresh token.

PyJWT and cryptography are imported only at log-in.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pydantic import Field, ValidationInfo, field_validator

from sfr.errors import LogInError
from sfr.options.section import Section
from sfr.options.types import SecretFile, SecureUrl, Text, sentence
from sfr.salesforce.auth.grants import Grant, LogInContext
from sfr.salesforce.auth.oauth import TOKEN_PATH, request_grant
from sfr.salesforce.auth.private_key import load_rsa_key

#: Salesforce accepts assertions that expire within three minutes.
ASSERTION_LIFE_S = 180

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class JwtSettings(Section):
    """`salesforce.auth.jwt`: needs an app that holds the key's certificate and is approved for the user."""

    client_id: Text = Field(description="The app's consumer key.")
    username: Text = Field(description="The user to log in as.")
    private_key_file: SecretFile | None = Field(
        default=None,
        description="PEM file of the RSA private key, without a passphrase; optional only with `domain: emulator`.",
    )
    audience: Text = Field(
        default="https://login.salesforce.com",
        description="`https://login.salesforce.com`, `https://test.salesforce.com` for a sandbox, or the org's My "
        "Domain.",
    )
    token_url: SecureUrl | None = Field(
        default=None,
        description="Token endpoint; null = `/services/oauth2/token` on `salesforce.domain`.",
    )

    @field_validator("private_key_file")
    @classmethod
    def _check_key(cls, file: str | None, info: ValidationInfo) -> str | None:
        """The embedded org generates its own key pair; every other org needs this file."""
        if file is None and info.context is not None and info.context.is_embedded_org is False:
            raise sentence("missing; expected the PEM file of the private key")
        return file


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
