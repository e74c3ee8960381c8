"""The emulator's log-ins: every grant works with the right secret and is refused with a wrong one."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
import requests

from sfr.emulator import Emulator

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An emulator."""
    with Emulator() as emulator:
        yield emulator


def ask_token(org: Emulator, **form: str) -> requests.Response:
    """One request to the token endpoint."""
    return requests.post(f"{org.url}/services/oauth2/token", data=form, timeout=30)


def assertion(org: Emulator, **changes: Any) -> str:
    """An assertion that the emulator accepts, but for the changes."""
    own = org.credentials
    claims = {
        "iss": own.client_id,
        "sub": own.username,
        "aud": "https://login.salesforce.com",
        "exp": time.time() + 180,
    }
    return jwt.encode(claims | changes, Path(own.private_key_file).read_bytes(), algorithm="RS256")


@pytest.mark.parametrize(
    "audience",
    [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        "https://acme.my.salesforce.com",
        "{url}",
        "{url}/",
    ],
)
def test_jwt_is_accepted_for_every_known_audience(org: Emulator, audience: str) -> None:
    """Log-in hosts, any Salesforce host, and the emulator's own URL."""
    answer = ask_token(org, grant_type=JWT_GRANT, assertion=assertion(org, aud=audience.format(url=org.url)))
    reply = answer.json()
    assert set(reply) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert reply["instance_url"] == org.url
    limits = requests.get(
        f"{org.url}/services/data/v64.0/limits",
        headers={"Authorization": f"Bearer {reply['access_token']}"},
        timeout=30,
    )
    assert limits.ok


@pytest.mark.parametrize("form", ["text", "milliseconds"])
def test_jwt_is_accepted_with_the_times_that_known_clients_send(org: Emulator, form: str) -> None:
    """simple-salesforce sends `exp` as text, the Salesforce CLI in milliseconds."""
    soon = int(time.time()) + 180
    expires = str(soon) if form == "text" else soon * 1000
    claims = {"iss": org.credentials.client_id, "sub": org.credentials.username, "aud": org.url, "exp": expires}
    token = jwt.api_jws.encode(json.dumps(claims).encode(), Path(org.private_key_file).read_bytes(), algorithm="RS256")
    assert ask_token(org, grant_type=JWT_GRANT, assertion=token).ok


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "other"}, "invalid_client_id"),
        ({"sub": "other@example.com"}, "invalid_grant"),
        ({"aud": "https://evil.example"}, "invalid_grant"),
        ({"aud": "http://login.salesforce.com"}, "invalid_grant"),
        ({"exp": 1}, "invalid_grant"),
        ({"exp": time.time() + 3600}, "invalid_grant"),
    ],
)
def test_jwt_is_refused_when_a_claim_is_wrong(org: Emulator, changes: dict[str, Any], error: str) -> None:
    """400 with an OAuth error object."""
    answer = ask_token(org, grant_type=JWT_GRANT, assertion=assertion(org, **changes))
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.parametrize("broken", ["", "a.b.c", "x" * 50, "e30.e30.e30"])
def test_text_that_is_no_jwt_is_refused(org: Emulator, broken: str) -> None:
    """Whatever comes, the answer is an OAuth error."""
    assert ask_token(org, grant_type=JWT_GRANT, assertion=broken).json()["error"] == "invalid_grant"


def test_jwt_is_refused_when_its_signature_is_missing(org: Emulator) -> None:
    """`alg: none` opens nothing."""
    token = jwt.encode({"iss": org.credentials.client_id}, None, algorithm="none")
    assert ask_token(org, grant_type=JWT_GRANT, assertion=token).status_code == 400


def test_client_credentials_need_id_and_secret(org: Emulator) -> None:
    """In the form or as Basic authentication."""
    own = org.credentials
    good = {"grant_type": "client_credentials", "client_id": own.client_id, "client_secret": own.client_secret}
    assert ask_token(org, **good).json()["token_type"] == "Bearer"
    assert ask_token(org, **{**good, "client_secret": "x"}).json()["error"] == "invalid_client"
    assert ask_token(org, **{**good, "client_id": "x"}).json()["error"] == "invalid_client_id"
    basic = requests.post(
        f"{org.url}/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(own.client_id, own.client_secret),
        timeout=30,
    )
    assert basic.ok
    assert ask_token(org, grant_type="magic").json()["error"] == "unsupported_grant_type"


def test_refresh_token_is_replaced_by_every_use(org: Emulator) -> None:
    """The new one works once, the old one never again; rotation can be switched off."""
    own = org.credentials
    form = {"grant_type": "refresh_token", "client_id": own.client_id}
    first = ask_token(org, **form, refresh_token=own.refresh_token).json()
    assert first["refresh_token"] != own.refresh_token
    again = ask_token(org, **form, refresh_token=own.refresh_token)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    org.change(rotate_refresh_tokens=False)
    for _ in range(2):
        assert "refresh_token" not in ask_token(org, **form, refresh_token=first["refresh_token"]).json()
    wrong = ask_token(org, **form, refresh_token=first["refresh_token"], client_secret="x")
    assert wrong.json()["error"] == "invalid_client"


def test_rotated_refresh_token_is_good_for_an_emulator_started_later(org: Emulator) -> None:
    """A client that keeps the new token in a file can be run again; a made-up token stays refused."""
    own = org.credentials
    form = {"grant_type": "refresh_token", "client_id": own.client_id}
    rotated = ask_token(org, **form, refresh_token=own.refresh_token).json()["refresh_token"]
    with Emulator() as later:
        assert ask_token(later, **form, refresh_token=rotated).ok
        assert ask_token(later, **form, refresh_token=rotated).status_code == 400
        assert ask_token(later, **form, refresh_token="5Aep.EMULATOR.madeup.0123456789abcdef").status_code == 400


def test_userinfo_and_identity_need_a_token(org: Emulator) -> None:
    """What the Salesforce CLI and jsforce request after a log-in."""
    headers = {"Authorization": f"Bearer {org.sid}"}
    facts = requests.get(f"{org.url}/services/oauth2/userinfo", headers=headers, timeout=30).json()
    assert facts["preferred_username"] == org.credentials.username
    identity = requests.get(facts["sub"], headers=headers, timeout=30).json()
    assert identity["user_id"] == facts["user_id"]
    user = requests.get(f"{org.url}/services/data/v64.0/sobjects/User/{facts['user_id']}", headers=headers, timeout=30)
    assert user.json()["Username"] == org.credentials.username
    assert requests.get(f"{org.url}/services/oauth2/userinfo", timeout=30).status_code == 403
    assert requests.get(facts["sub"], timeout=30).text == "Bad_OAuth_Token"


def test_revoked_token_opens_nothing(org: Emulator) -> None:
    """A logout ends the session for everybody who shares it."""
    sid = org.new_sid("soap")
    assert requests.post(f"{org.url}/services/oauth2/revoke", data={"token": sid}, timeout=30).ok
    answer = requests.get(
        f"{org.url}/services/data/v64.0/limits", headers={"Authorization": f"Bearer {sid}"}, timeout=30
    )
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


def test_frontdoor_turns_a_web_token_into_a_browser_session(org: Emulator) -> None:
    """302 with a sid cookie that exports; a token without `web` gets the log-in form."""
    own = org.credentials
    form = {"grant_type": "client_credentials", "client_id": own.client_id, "client_secret": own.client_secret}
    token = ask_token(org, **form).json()["access_token"]
    front = {"sid": token, "retURL": "/home"}
    opened = requests.post(f"{org.url}/secur/frontdoor.jsp", data=front, timeout=30, allow_redirects=False)
    assert (opened.status_code, opened.headers["Location"]) == (302, f"{org.url}/home")
    cookies = {"sid": opened.cookies["sid"]}
    url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
    assert requests.get(url, cookies=cookies, timeout=30).headers["Content-Type"].startswith("text/csv")
    org.change(scopes=("api",))
    narrow = ask_token(org, **form).json()["access_token"]
    refused = requests.post(f"{org.url}/secur/frontdoor.jsp", data={"sid": narrow}, timeout=30, allow_redirects=False)
    assert (refused.status_code, "login_form" in refused.text) == (200, True)
    assert "window.location.replace" in requests.get(url, cookies={"sid": narrow}, timeout=30).text


def test_tokens_without_the_api_scope_are_no_use_for_rest(org: Emulator) -> None:
    """The text differs from that of an expired session: renewing would not help."""
    org.change(scopes=("web",))
    own = org.credentials
    token = ask_token(
        org, grant_type="client_credentials", client_id=own.client_id, client_secret=own.client_secret
    ).json()["access_token"]
    answer = requests.get(
        f"{org.url}/services/data/v64.0/limits", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )
    assert answer.status_code == 401
    assert answer.json()[0]["message"] == "This session is not valid for use with the REST API"


def test_session_ends_when_it_was_not_used(org: Emulator) -> None:
    """Idle time is a setting."""
    headers = {"Authorization": f"Bearer {org.sid}"}
    url = f"{org.url}/services/data/v64.0/limits"
    assert requests.get(url, headers=headers, timeout=30).ok
    org.change(session_s=-1)
    assert requests.get(url, headers=headers, timeout=30).status_code == 401


def test_org_without_classic_answers_with_the_lightning_page(org: Emulator) -> None:
    """Status 200, and never a CSV."""
    org.change(export_is_page=True)
    url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
    assert "auraConfig" in requests.get(url, headers={"Cookie": f"sid={org.sid}"}, timeout=30).text


def test_lightning_host_redirects_for_ever(org: Emulator) -> None:
    """The known trap: only the My Domain host returns the export."""
    headers = {"Cookie": f"sid={org.sid}", "Host": "acme.lightning.force.com"}
    url = f"{org.url}/{org.report('Awkward Cells').id}?export=1"
    answer = requests.get(url, headers=headers, timeout=30, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"].startswith("https://acme.lightning.force.com/00O")) == (
        302,
        True,
    )


def test_instance_url_is_what_the_scenario_says(org: Emulator) -> None:
    """For clients that must not trust every host that a log-in names."""
    org.change(instance_url="https://evil.example")
    own = org.credentials
    form = {"grant_type": "client_credentials", "client_id": own.client_id, "client_secret": own.client_secret}
    assert ask_token(org, **form).json()["instance_url"] == "https://evil.example"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("v30.0/limits", 410, "UNSUPPORTED_API_VERSION"),
        ("v68.0/limits", 404, "NOT_FOUND"),
        ("v64.0/nothing", 404, "NOT_FOUND"),
        ("v64.0/query", 400, "MALFORMED_QUERY"),
    ],
)
def test_rest_errors_are_arrays(org: Emulator, path: str, status: int, code: str) -> None:
    """A list of one object with message and errorCode."""
    headers = {"Authorization": f"Bearer {org.sid}"}
    answer = requests.get(f"{org.url}/services/data/{path}", headers=headers, timeout=30)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
    assert requests.put(f"{org.url}/services/data/v64.0/limits", headers=headers, timeout=30).status_code == 405


def test_paths_may_begin_with_two_slashes(org: Emulator) -> None:
    """As sent by clients whose instance URL ends with a slash."""
    connection = http.client.HTTPConnection("127.0.0.1", int(org.url.rpartition(":")[2]), timeout=30)
    connection.request("GET", "//services/data/")
    assert connection.getresponse().status == 200
    connection.close()


def test_query_describes_its_columns_when_requested(org: Emulator) -> None:
    """The Salesforce CLI requests them before it prints a table."""
    columns = requests.get(
        f"{org.url}/services/data/v64.0/query",
        params={"q": "SELECT Id, AnnualRevenue, Owner.Name FROM Account", "columns": "true"},
        headers={"Authorization": f"Bearer {org.sid}"},
        timeout=30,
    ).json()
    assert [column["columnName"] for column in columns["columnMetadata"]] == ["Id", "AnnualRevenue", "Owner"]
    assert columns["columnMetadata"][1]["numberType"] is True
    assert columns["columnMetadata"][2]["joinColumns"][0]["columnName"] == "Name"
