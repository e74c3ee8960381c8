"""OAuth at `/services/oauth2/…`: the token endpoint with its grants, and revocation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from types import MappingProxyType

from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response, json_response, oauth_error
from sfr.emulator.log_in.credentials import ORG_ID, USER_ID
from sfr.emulator.log_in.jwt_bearer import AssertionRefused, check_assertion
from sfr.emulator.org import Org

_INVALID_CLIENT_ID = ("invalid_client_id", "client identifier invalid")
_INVALID_CLIENT = ("invalid_client", "invalid client credentials")


def token(org: Org, request: Request) -> Response:
    """`POST /services/oauth2/token`."""
    if request.method != "POST":
        return oauth_error("unsupported_grant_type", "only POST is supported")
    grant = GRANTS.get(request.form.get("grant_type", ""))
    if grant is None:
        return oauth_error("unsupported_grant_type", "grant type not supported")
    return grant(org, request)


def revoke(org: Org, request: Request) -> Response:
    """`/services/oauth2/revoke`: ends the session, or revokes the refresh token."""
    revoked = request.form.get("token") or request.query.get("token") or ""
    if org.sessions.end(revoked) or org.refresh_tokens.use_up(revoked):
        return html_response("")
    return oauth_error("unsupported_token_type", "this token type is not supported")


def _jwt(org: Org, request: Request) -> Response:
    credentials = org.credentials
    own = tuple(url.rstrip("/") for url in (org.url, org.base_url(request)))
    try:
        check_assertion(
            request.form.get("assertion", ""),
            org.jwt_keys(),
            client_id=credentials.client_id,
            username=credentials.username,
            audiences=own,
        )
    except AssertionRefused as refused:
        return oauth_error(refused.error, refused.description)
    return json_response(_token_reply(org, request))


def _client_credentials(org: Org, request: Request) -> Response:
    host = request.host.partition(":")[0].lower()
    if host in ("login.salesforce.com", "test.salesforce.com"):
        return oauth_error("invalid_grant", "request not supported on this domain")
    client_id, secret = _client(request)
    if client_id != org.credentials.client_id:
        return oauth_error(*_INVALID_CLIENT_ID)
    if not _same(secret, org.credentials.client_secret):
        return oauth_error(*_INVALID_CLIENT)
    return json_response({**_token_reply(org, request), **_stamp(org)})


def _authorization_code(org: Org, request: Request) -> Response:
    client_id, secret = _client(request)
    if client_id != org.credentials.client_id:
        return oauth_error(*_INVALID_CLIENT_ID)
    if (secret or org.settings.require_secret) and not _same(secret, org.credentials.client_secret):
        return oauth_error(*_INVALID_CLIENT)
    approval = org.authorization_codes.take(request.form.get("code", ""), org.settings.code_s)
    if approval is None or approval.client_id != client_id:
        return oauth_error("invalid_grant", "expired authorization code")
    if request.form.get("redirect_uri", "") != approval.redirect_uri:
        return oauth_error("redirect_uri_mismatch", "redirect_uri must match configuration")
    if not approval.verifies(request.form.get("code_verifier", "")):
        return oauth_error("invalid_grant", "invalid code verifier")
    reply = {**_token_reply(org, request), **_stamp(org)}
    if {"refresh_token", "offline_access", "full"} & set(org.settings.scopes):
        reply["refresh_token"] = org.refresh_tokens.issue()
    return json_response(reply)


def _refresh(org: Org, request: Request) -> Response:
    client_id, secret = _client(request)
    if client_id != org.credentials.client_id:
        return oauth_error(*_INVALID_CLIENT_ID)
    if (secret or org.settings.require_secret) and not _same(secret, org.credentials.client_secret):
        return oauth_error(*_INVALID_CLIENT)
    given = request.form.get("refresh_token", "")
    if not org.settings.rotate_refresh_tokens:
        rotated = given if org.refresh_tokens.is_good(given) else None
    else:
        rotated = org.refresh_tokens.rotate(given)
    if rotated is None:
        return oauth_error("invalid_grant", "expired access/refresh token")
    reply = {**_token_reply(org, request), **_stamp(org)}
    return json_response({**reply, "refresh_token": rotated} if rotated != given else reply)


def _password(org: Org, request: Request) -> Response:
    client_id, secret = _client(request)
    if client_id != org.credentials.client_id:
        return oauth_error(*_INVALID_CLIENT_ID)
    if not _same(secret, org.credentials.client_secret):
        return oauth_error(*_INVALID_CLIENT)
    expected = org.credentials.password + org.credentials.security_token
    username = request.form.get("username", "").lower()
    if username != org.credentials.username or not _same(request.form.get("password", ""), expected):
        return oauth_error("invalid_grant", "authentication failure")
    return json_response({**_token_reply(org, request), **_stamp(org)})


GRANTS: Mapping[str, Callable[[Org, Request], Response]] = MappingProxyType(
    {
        "urn:ietf:params:oauth:grant-type:jwt-bearer": _jwt,
        "client_credentials": _client_credentials,
        "authorization_code": _authorization_code,
        "refresh_token": _refresh,
        "password": _password,
    }
)
"""The grants of the token endpoint."""


def _token_reply(org: Org, request: Request) -> dict[str, str]:
    scopes = org.settings.scopes
    session = org.sessions.issue("oauth", frozenset(scopes))
    url = org.instance_url(request)
    return {
        "access_token": session.token,
        "scope": " ".join(scopes),
        "instance_url": url,
        "id": f"{url}/id/{ORG_ID}/{USER_ID}",
        "token_type": "Bearer",
    }


def _stamp(org: Org) -> dict[str, str]:
    issued_at = str(time.time_ns() // 1_000_000)
    digest = hmac.digest(org.credentials.client_secret.encode(), issued_at.encode(), hashlib.sha256)
    return {"issued_at": issued_at, "signature": base64.b64encode(digest).decode()}


def _client(request: Request) -> tuple[str, str]:
    """Client id and secret, from the form or a Basic Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        except (Base64Error, ValueError):
            return "", ""
        return client_id, secret
    return request.form.get("client_id", ""), request.form.get("client_secret", "")


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
