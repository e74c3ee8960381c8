"""What `sfr init` says about each way in which Salesforce refuses a log-in: what it means and what to click."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.commands.init import add_arguments, main
from sfr.emulator import Emulator
from sfr.emulator.log_in.credentials import Credentials

KNOWN = Credentials()
#: error, description, words of the explanation.
REFUSALS = (
    ("invalid_grant", "user hasn't approved this consumer", "Permitted Users"),
    ("invalid_client_id", "client identifier invalid", "ten minutes"),
    ("invalid_grant", "audience is invalid", "https://test.salesforce.com"),
    ("invalid_grant", "ip restricted or invalid login hours", "Login IP Ranges"),
    ("invalid_grant", "invalid assertion", "certificate"),
    ("invalid_grant", "expired authorization code", "clock"),
    ("invalid_app_access", "user is not admin approved to access this app", "Permitted Users"),
    ("invalid_client", "OAUTH_EC_APP_NOT_FOUND", "not installed"),
    ("inactive_user", "user is inactive", "Activate"),
    ("inactive_org", "organization is inactive", "domain"),
    ("unsupported_grant_type", "grant type not supported", "Enable this flow"),
    ("invalid_grant", "request not supported on this domain", "My Domain"),
    ("invalid_grant", "authentication failure", "username"),
    ("invalid_grant", "something new", "policies"),
)


@pytest.fixture(scope="module")
def org() -> Iterator[Emulator]:
    """An org that refuses."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty directory, and no variables of SFR."""
    monkeypatch.chdir(tmp_path)
    for name in ("SFDC_DOMAIN", "SFDC_CLIENT_ID", "SFDC_USERNAME", "SFDC_CLIENT_SECRET", "SFDC_SID", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)


def init(org: Emulator, *more: str, method: str = "jwt") -> int:
    """Run the command in this process, without a terminal."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    user = ("--client-id", KNOWN.client_id, "--username", KNOWN.username)
    return main(parser.parse_args(["--domain", org.url, "--method", method, *user, *more]))


@pytest.mark.parametrize(("error", "description", "words"), REFUSALS, ids=lambda text: text[:30])
def test_refusal_is_explained_and_ends_with_3(
    org: Emulator, capsys: pytest.CaptureFixture[str], error: str, description: str, words: str
) -> None:
    """With what Salesforce said, what it means, and the command that continues."""
    org.set_rules(
        {"path": "/services/oauth2/token", "action": "oauth_error", "error": error, "description": description}
    )

    code = init(org)
    said = " ".join(capsys.readouterr().out.split())

    assert code == 3
    assert error in said
    assert words in said
    assert "To continue from here:" in said
    assert KNOWN.client_secret not in said


@pytest.mark.parametrize(
    ("error", "description"),
    [("unknown_error", "retry your request"), ("invalid_grant", "token request is already being processed")],
)
def test_transient_refusal_is_no_refusal_of_the_log_in(
    org: Emulator, capsys: pytest.CaptureFixture[str], error: str, description: str
) -> None:
    """It says nothing about the credentials: exit code 5, as for a run."""
    org.set_rules(
        {"path": "/services/oauth2/token", "action": "oauth_error", "error": error, "description": description}
    )

    assert init(org) == 5
    assert "temporary" in capsys.readouterr().out


def test_user_without_the_api_is_explained(org: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """The log-in works, but the list of reports is refused."""
    org.set_rules()
    org.change(missing_permissions=("API Enabled",))
    try:
        code = init(org, method="jwt")
    finally:
        org.change(missing_permissions=())

    assert code in (3, 5)
    assert "To continue from here" in capsys.readouterr().out
