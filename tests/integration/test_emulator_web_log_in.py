"""The emulator's web log-in: consent page, PKCE, `redirect_uri`, one-time codes; and JWT by certificate."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest

from sfr.emulator import Emulator

CALLBACK = "http://localhost:1717/callback"
VERIFIER = "v" * 43


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Returns a redirect as the response."""

    def redirect_request(self, *_: Any) -> None:
        """Follow nothing."""
        return


def call(url: str, form: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Status, Location and text of a response."""
    body = urlencode(form).encode() if form is not None else None
    opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, body), timeout=10) as response:
            return response.status, "", response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers.get("Location") or "", error.read().decode()


def challenge(verifier: str = VERIFIER) -> str:
    """The S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorize_url(org: Emulator, **changes: str | None) -> str:
    """The address that a program sends its user to."""
    values = {
        "response_type": "code",
        "client_id": org.credentials.client_id,
        "redirect_uri": CALLBACK,
        "state": "st&te",
        "code_challenge": challenge(),
        "code_challenge_method": "S256",
        **changes,
    }
    return f"{org.url}/services/oauth2/authorize?" + urlencode({k: v for k, v in values.items() if v is not None})


def consent(org: Emulator, **changes: str | None) -> dict[str, str]:
    """Submit the page's form; the parameters that the app gets."""
    status, _, page = call(authorize_url(org, **changes))
    assert status == 200, page
    assert page.count("<form") == 1
    action = re.search(r'<form[^>]* action="([^"]*)"', page)
    assert action
    import html

    fields = {html.unescape(k): html.unescape(v) for k, v in re.findall(r'name="([^"]*)" value="([^"]*)"', page)}
    status, location, _ = call(urljoin(org.url, action[1]), fields)
    assert status == 302
    assert location.startswith(f"{changes.get('redirect_uri') or CALLBACK}?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def exchange(org: Emulator, code: str, **changes: str) -> tuple[int, dict[str, Any]]:
    """Exchange a code at the token endpoint."""
    form = {
        "grant_type": "authorization_code",
        "client_id": org.credentials.client_id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    status, _, text = call(f"{org.url}/services/oauth2/token", form)
    return status, json.loads(text)


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org."""
    with Emulator() as emulator:
        yield emulator


def test_submitted_consent_page_gives_a_code_and_the_state(org: Emulator) -> None:
    """The form keeps the whole request; the code becomes an access token and a refresh token."""
    given = consent(org)
    assert given["state"] == "st&te"
    status, answer = exchange(org, given["code"])
    assert status == 200
    assert answer["refresh_token"]

    form = {"grant_type": "refresh_token", "client_id": org.credentials.client_id}
    status, _, _ = call(f"{org.url}/services/oauth2/token", {**form, "refresh_token": answer["refresh_token"]})
    assert status == 200


def test_code_is_good_once(org: Emulator) -> None:
    """A second exchange is refused."""
    code = consent(org)["code"]
    assert exchange(org, code)[0] == 200
    assert exchange(org, code) == (400, {"error": "invalid_grant", "error_description": "expired authorization code"})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://localhost:1718/callback"}, "redirect_uri_mismatch"),
        ({"client_id": "another"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
    ],
)
def test_code_is_refused_for_another_request_than_its_own(org: Emulator, changes: dict[str, str], error: str) -> None:
    """Verifier, address, app and secret have to be those of the code."""
    status, answer = exchange(org, consent(org)["code"], **changes)
    assert (status, answer["error"]) == (400, error)


def test_code_expires(org: Emulator) -> None:
    """After `code_s` seconds."""
    org.change(code_s=-1)
    assert exchange(org, consent(org)["code"])[1]["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://elsewhere.example/callback",
        "http://localhost:1717/other",
        "http://localhost:1@elsewhere.example/callback",
    ],
)
def test_authorize_never_redirects_to_an_address_that_is_not_the_apps(org: Emulator, redirect_uri: str) -> None:
    """The user sees a page instead."""
    status, location, page = call(authorize_url(org, redirect_uri=redirect_uri))
    assert (status, location) == (400, "")
    assert "redirect_uri_mismatch" in page


@pytest.mark.parametrize(
    ("changes", "settings", "error"),
    [
        ({"code_challenge_method": "plain"}, {}, "invalid_request"),
        ({"code_challenge": "short"}, {}, "invalid_request"),
        ({"code_challenge": None}, {"require_pkce": True}, "invalid_request"),
        ({"response_type": "token"}, {}, "unsupported_response_type"),
        ({"scope": "api wave_api"}, {}, "invalid_scope"),
        ({"decision": "deny"}, {}, "access_denied"),
    ],
)
def test_app_receives_other_errors(
    org: Emulator, changes: dict[str, str | None], settings: dict[str, Any], error: str
) -> None:
    """By a redirect with error and state."""
    org.change(**settings)
    status, location, _ = call(authorize_url(org, **changes))
    assert status == 302
    assert parse_qs(urlsplit(location).query)["error"] == [error]
    assert parse_qs(urlsplit(location).query)["state"] == ["st&te"]


def test_org_without_the_scope_gives_no_refresh_token(org: Emulator) -> None:
    """Only `refresh_token`, `offline_access` or `full` grant one."""
    org.change(scopes=("api", "web"))
    assert "refresh_token" not in exchange(org, consent(org)["code"])[1]


def test_scenario_has_every_oauth_error_on_demand(org: Emulator) -> None:
    """At the token endpoint as JSON, at the consent page as a redirect."""
    org.set_rules(
        {"path": "/services/oauth2/*", "action": "oauth_error", "error": "access_denied", "description": "no"}
    )
    assert exchange(org, "any") == (400, {"error": "access_denied", "error_description": "no"})
    assert "error=access_denied" in call(authorize_url(org))[1]


@pytest.mark.parametrize("missing", ["API Enabled", "Run Reports", "Export Reports"])
def test_user_lacks_a_permission_on_demand(org: Emulator, missing: str) -> None:
    """REST, report runs and exports are refused as far as they need it."""
    org.change(missing_permissions=(missing,))
    report = org.reports[0].id

    def status_of(path: str, **headers: str) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(f"{org.url}{path}", headers=headers)) as response:
                return 403 if b"Insufficient Privileges" in response.read() else response.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    bearer = {"Authorization": f"Bearer {org.sid}"}
    assert status_of("/services/data/v64.0/limits", **bearer) == (403 if missing == "API Enabled" else 200)
    describe = status_of(f"/services/data/v64.0/analytics/reports/{report}/describe", **bearer)
    assert describe == (200 if missing == "Export Reports" else 403)
    export = status_of(f"/{report}?export=1&enc=UTF-8&xf=csv", Cookie=f"sid={org.sid}")
    assert export == (200 if missing == "API Enabled" else 403)


def test_certificate_is_trusted_for_jwt_once_it_exists(tmp_path: Any) -> None:
    """As after an upload to the app: the same key is refused before."""
    import jwt

    from tests.certificates import serve_with_certificate

    _, certificate = serve_with_certificate(tmp_path)
    key = tmp_path / "key.pem"
    uploaded = tmp_path / "uploaded.crt"
    with Emulator(certificate=uploaded) as org:

        def status() -> int:
            import time

            claims = {"iss": org.credentials.client_id, "sub": org.credentials.username, "aud": org.url}
            assertion = jwt.encode({**claims, "exp": int(time.time()) + 60}, key.read_bytes(), algorithm="RS256")
            grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
            return call(f"{org.url}/services/oauth2/token", {"grant_type": grant, "assertion": assertion})[0]

        assert status() == 400
        uploaded.write_bytes(certificate.read_bytes())
        assert status() == 200
