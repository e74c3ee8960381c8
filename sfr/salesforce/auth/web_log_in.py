"""The web log-in (authorization code with PKCE) that gets the refresh token of `auth.refresh_token`.

Opens no browser. The app is the org's own: SFR has no client id. PKCE is always used, with S256, and `state` is always
compared: a code that another page or program sends to the listener is worth nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from sfr.errors import LogInError
from sfr.redaction import Secret
from sfr.salesforce.auth.grants import Grant, LogInContext
from sfr.salesforce.auth.oauth import TOKEN_PATH, request_grant
from sfr.salesforce.auth.oauth_refusals import OAUTH_REFUSALS, UNKNOWN_REFUSAL, WEB_LOG_IN
from sfr.salesforce.auth.refresh_token import RefreshTokenSettings
from sfr.salesforce.auth.refusals import find_refusal, refusal_error
from sfr.salesforce.auth.token_shapes import checked_pasted_token
from sfr.salesforce.hosts import host_of
from sfr.salesforce.statuses import Fault

AUTHORIZE_PATH = "/services/oauth2/authorize"
CALLBACK_PATH = "/callback"
DEFAULT_PORT = 1717
METHOD = "refresh_token"


class OtherStateError(LogInError):
    """The answer belongs to another log-in than this one."""


@dataclass(frozen=True, slots=True)
class WebLogIn:
    """One web log-in: what is sent to the browser, and what its answer is checked against."""

    domain: str
    client_id: str
    port: int
    #: Unpredictable, and compared with the answer's.
    state: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    #: The secret behind the code challenge; 86 characters.
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(64), repr=False)

    @property
    def redirect_uri(self) -> str:
        """The address that the app has to list as a callback URL."""
        return callback_url(self.port)

    @property
    def address(self) -> str:
        """The address that the user opens."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        values = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        return f"{self.domain}{AUTHORIZE_PATH}?{urlencode(values)}"

    def code_of(self, query: str) -> Secret:
        """The code in the query of the address where the browser ended.

        Raises OtherStateError if `state` is not this log-in's, LogInError for a refusal and for anything else.
        """
        values = {name: texts[0] for name, texts in parse_qs(query, keep_blank_values=True).items()}
        if not hmac.compare_digest(values.get("state", "").encode(), self.state.encode()):
            raise OtherStateError(
                "The answer does not belong to this log-in: its `state` is another one. Run sfr login again, and open "
                "the address that it prints now."
            )
        if "error" in values:
            raise _refusal(self.domain, values["error"], values.get("error_description", ""))
        code = values.get("code", "")
        if not code or len(code) > 4096:
            raise LogInError("The address contains no authorization code; expected `code=…`. Run sfr login again.")
        return Secret(code)

    def code_of_address(self, address: str) -> Secret:
        """The same for a pasted address. Raises LogInError."""
        parts = urlsplit(address.strip())
        own = urlsplit(self.redirect_uri)
        if (parts.scheme, parts.netloc, parts.path) != (own.scheme, own.netloc, own.path):
            raise LogInError(
                f"This is not the address where the browser ended; expected one that begins with {self.redirect_uri}?. "
                "Run sfr login again, and copy the whole address, although the page itself cannot be shown."
            )
        return self.code_of(parts.query)


def callback_url(port: int) -> str:
    """The callback URL for a port."""
    return f"http://localhost:{port}{CALLBACK_PATH}"


def exchange(
    log_in: WebLogIn, code: Secret, settings: RefreshTokenSettings, context: LogInContext
) -> tuple[Grant, Secret]:
    """Exchange the code for an access token and a refresh token. Raises LogInError, ReportError."""
    context.redactor.add(log_in.verifier, code)
    form = {
        "grant_type": "authorization_code",
        "client_id": settings.client_id,
        "code": code.reveal(),
        "redirect_uri": log_in.redirect_uri,
        "code_verifier": log_in.verifier,
    }
    if settings.client_secret:
        form["client_secret"] = settings.client_secret.reveal()
    grant, answer = request_grant(context, context.domain + TOKEN_PATH, form, method=WEB_LOG_IN)
    token = answer.get("refresh_token")
    if not isinstance(token, str) or not token:
        raise LogInError(
            "Salesforce accepted the log-in, but gave no refresh token. Add the scope `Perform requests at any time "
            "(refresh_token, offline_access)` to the app's OAuth settings, and run sfr login again."
        )
    return grant, checked_pasted_token(token, "The refresh token in the log-in response", is_refresh_token=True)


def _refusal(domain: str, error: str, description: str) -> Exception:
    known = find_refusal(OAUTH_REFUSALS, WEB_LOG_IN, error, description) or UNKNOWN_REFUSAL
    return refusal_error(known, host_of(domain), str(Fault(error, description)), status=302)
