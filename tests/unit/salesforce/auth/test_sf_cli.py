"""sfr.salesforce.auth.sf_cli, with programs called `sf` that print what the CLI's versions print."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.salesforce.auth.sf_cli import SfCliSettings, log_in
from tests.unit.salesforce.auth.fake_transport import DOMAIN, context_of

TOKEN = "00Dxx0000000001!AQ.cli_canary_0123456789"
REDACTED = "[REDACTED] Use 'sf org auth show-access-token' to see it"


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory first on the PATH; `replies.json` there says what its `sf` prints for each command."""
    program = tmp_path / "sf"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        "here = pathlib.Path(__file__).parent\n"
        "(here / 'asked').open('a').write(' '.join(sys.argv[1:]) + '\\n')\n"
        "code, text = json.loads((here / 'replies.json').read_text())[sys.argv[2]]\n"
        "print(text)\n"
        "raise SystemExit(code)\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def reply(code: int = 0, before: str = "", **answer: object) -> tuple[int, str]:
    """Exit code and output of one command."""
    return code, before + json.dumps({"status": code, **answer})


def prepare(cli: Path, show: tuple[int, str], display: tuple[int, str]) -> None:
    """What `org auth …` and `org display` answer."""
    (cli / "replies.json").write_text(json.dumps({"auth": show, "display": display}))


def test_session_comes_from_both_commands(cli: Path) -> None:
    """The token from one, the address from the other; warnings before the JSON do no harm."""
    shown = reply(result={"accessToken": TOKEN}, before="Warning: an update is available\n")
    prepare(cli, shown, reply(result={"accessToken": REDACTED, "instanceUrl": DOMAIN}))
    context, transport, redactor = context_of()
    grant = log_in(SfCliSettings(org="my-org"), context)
    assert (grant.access_token.reveal(), grant.instance_url) == (TOKEN, DOMAIN)
    assert (cli / "asked").read_text().splitlines() == [
        "org auth show-access-token --target-org my-org --json",
        "org display --target-org my-org --json",
    ]
    assert redactor.redact(TOKEN[20:]) == "***"
    assert transport.requests == []


def test_older_cli_gives_both_in_display(cli: Path) -> None:
    """Before May 2026 there was no other command."""
    unknown = reply(127, name="CommandNotFoundError", message="org auth show-access-token is not a sf command.")
    prepare(cli, unknown, reply(result={"accessToken": TOKEN, "instanceUrl": DOMAIN}))
    context, _, _ = context_of()
    grant = log_in(SfCliSettings(org="my-org"), context)
    assert (grant.access_token.reveal(), grant.instance_url) == (TOKEN, DOMAIN)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "\n › Warning: @salesforce/cli update available from 2.100.0 to 2.146.3.\n"),
        ('Warning: {deprecated} flag {"--x": 1}\n', '\n{"news": true}\n(Use `node --trace-warnings ...`)\n'),
        ("\ufeff(node:365) Warning: {", "}\n"),
    ],
)
def test_text_around_the_json_is_ignored(cli: Path, before: str, after: str) -> None:
    """News about updates and warnings, with braces of their own."""
    code, text = reply(result={"accessToken": TOKEN, "instanceUrl": DOMAIN})
    prepare(cli, (code, before + text + after), (code, before + text + after))
    context, _, _ = context_of()

    assert log_in(SfCliSettings(org="my-org"), context).access_token.reveal() == TOKEN


@pytest.mark.parametrize(
    ("complaint", "kind"),
    [
        ("Error refreshing the token: unknown_error: retry your request", ErrorKind.SERVER),
        ("request to https://acme.my.salesforce.com failed, reason: connect ETIMEDOUT", ErrorKind.NETWORK),
        ("getaddrinfo ENOTFOUND acme.my.salesforce.com", ErrorKind.NETWORK),
    ],
)
def test_complaint_that_passes_is_no_refusal(cli: Path, complaint: str, kind: ErrorKind) -> None:
    """The CLI's network is no better than ours."""
    prepare(cli, reply(1, message=complaint), reply(1, message=complaint))
    context, _, _ = context_of()
    with pytest.raises(ReportError) as raised:
        log_in(SfCliSettings(org="my-org"), context)

    assert (raised.value.kind, raised.value.is_retryable) == (kind, True)


@pytest.mark.parametrize(
    ("show", "display", "words"),
    [
        (
            reply(1, message="No authorization information found for my-org."),
            reply(1, message="No authorization information found for my-org."),
            "No authorization information found",
        ),
        ((1, "not JSON at all"), (1, ""), "no JSON"),
        (reply(result={"accessToken": REDACTED}), reply(result={"accessToken": REDACTED}), "no access token"),
        (reply(1, message=f"bad token {TOKEN}"), reply(1), "bad token ***"),
        (reply(result="x"), reply(result=[]), "exit code 0"),
    ],
)
def test_session_that_cannot_be_obtained_is_a_refusal(
    cli: Path, show: tuple[int, str], display: tuple[int, str], words: str
) -> None:
    """The CLI's own words, and what to do; no token in them."""
    prepare(cli, show, display)
    context, _, _ = context_of()
    with pytest.raises(LogInError) as raised:
        log_in(SfCliSettings(org="my-org"), context)
    assert words in str(raised.value)
    assert "sf org login" in str(raised.value)
    assert TOKEN not in str(raised.value)


def test_missing_cli_is_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which program is missing."""
    monkeypatch.setenv("PATH", str(tmp_path))
    context, _, _ = context_of()
    with pytest.raises(LogInError, match=r"'sf' of `salesforce\.auth\.sf_cli` cannot be started"):
        log_in(SfCliSettings(org="my-org"), context)
