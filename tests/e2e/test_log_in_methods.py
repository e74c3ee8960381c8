"""Each log-in method fetches a report; a refused one ends the run with 3 after exactly one try."""

from __future__ import annotations

import json
import os
import stat
import sys

import pytest

from sfr.salesforce.auth import METHODS

REPORT = "Awkward Cells"


def _auth(method, org, directory):
    """Settings of a method, with the org's credentials."""
    known = org.credentials
    client = {"client_id": known.client_id, "client_secret": known.client_secret}
    token_file = directory / "refresh_token"
    token_file.write_text(f"{known.refresh_token}\n")
    token_file.chmod(0o600)
    return {
        "sid": {"value": known.sid},
        "jwt": {
            "client_id": known.client_id,
            "username": known.username,
            "private_key_file": known.private_key_file,
        },
        "client_credentials": client,
        "refresh_token": {**client, "token_file": str(token_file)},
        "soap": {
            "username": known.username,
            "password": known.password,
            "security_token": known.security_token,
        },
        "sf_cli": {"org": "demo"},
    }[method]


def _install_sf(job, org):
    """A stand-in for the Salesforce CLI, on PATH."""
    answer = {"status": 0, "result": {"accessToken": org.sid, "instanceUrl": org.url, "username": "x@example.com"}}
    folder = job.directory / "bin"
    folder.mkdir()
    program = folder / "sf"
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(answer)!r})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    job.environ["PATH"] = f"{folder}{os.pathsep}{job.environ['PATH']}"


@pytest.mark.parametrize("method", METHODS)
def test_method_fetches_the_report(org, job, expected, method):
    """One log-in where the method has one, and the whole file."""
    if method == "sf_cli":
        _install_sf(job, org)
    job.for_org(org, REPORT, auth={method: _auth(method, org, job.directory)})

    ended = job.run_here()

    assert ended.code == 0, ended.stderr
    assert org.requests.count("login") == (0 if method in ("sid", "sf_cli") else 1)
    assert job.file(REPORT).read_bytes() == expected(REPORT)


def test_rotated_refresh_token_is_kept_for_the_next_run(org, job):
    """A used token is refused by the org; the file holds the new one."""
    job.for_org(org, REPORT, auth={"refresh_token": _auth("refresh_token", org, job.directory)})

    assert [job.run().code, job.run().code] == [0, 0]

    assert (job.directory / "refresh_token").read_text().strip() != org.credentials.refresh_token


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("soap", {"password": "not-the-password"}),
        ("client_credentials", {"client_secret": "not-the-secret"}),
        ("jwt", {"username": "somebody@example.com"}),
    ],
)
def test_refused_log_in_ends_with_3_after_one_try(org, job, method, wrong):
    """Accounts are locked by repeated failures: one log-in, no export, every report `auth`."""
    job.for_org(org, REPORT, "Deals by Stage", auth={method: {**_auth(method, org, job.directory), **wrong}})

    ended = job.run_here()

    assert ended.code == 3
    assert org.requests.count("login") == 1
    assert org.requests.count("export") == 0
    assert job.errors() == {"auth"}
    assert job.summary()["run"]["exit_code"] == 3
    assert job.summary()["run"]["failed"] == 2
    assert "not-the-" not in ended.stderr + ended.stdout + job.log_text()


@pytest.mark.parametrize("source", ["file", "command", "environment", "env_file", "credential"])
def test_secret_is_taken_from_where_the_configuration_says(org, job, source):
    """Values lose one final line end, wherever they come from."""
    (job.directory / "sid.txt").write_text(f"{org.sid}\n")
    (job.directory / "sid.txt").chmod(0o600)
    auth = {
        "file": {"file": "sid.txt"},
        "command": {"command": [sys.executable, "-c", "print(open('sid.txt').read(), end='')"]},
        "environment": {"value": "${SFDC_SID}"},
        "env_file": {"value": "${SFDC_SID}"},
        "credential": {"value": "${cred:sid.txt}"},
    }[source]
    if source == "environment":
        job.environ["SFDC_SID"] = org.sid
    if source == "env_file":
        (job.directory / ".env").write_text(f"SFDC_SID='{org.sid}'\n")
        (job.directory / ".env").chmod(0o600)
    if source == "credential":
        job.environ["CREDENTIALS_DIRECTORY"] = str(job.directory)
    job.for_org(org, REPORT, auth={"sid": auth})

    ended = job.run_here()

    assert ended.code == 0, ended.stderr


def test_failing_secret_command_ends_with_3(org, job):
    """A failing command is a refused log-in, not a wrong configuration."""
    job.for_org(org, REPORT, auth={"sid": {"command": [sys.executable, "-c", "raise SystemExit(9)"]}})

    assert job.run().code == 3
    assert job.errors() == {"auth"}


def test_missing_credential_file_ends_with_2(org, job):
    """Nothing was fetched, and no summary is written."""
    job.environ["CREDENTIALS_DIRECTORY"] = str(job.directory)
    job.for_org(org, REPORT, auth={"sid": {"value": "${cred:absent}"}})

    ended = job.run()

    assert ended.code == 2
    assert "absent" in ended.stderr
    assert not job.output.exists()


def test_moved_domain_names_the_new_one(org, job):
    """A 301 to another Salesforce host fails the check; nothing is sent there."""
    moved = "https://acme-new.my.salesforce.com"
    org.set_rules({"path": "/services/data/*/limits", "action": "redirect", "to": f"{moved}/x", "status": 301})
    job.for_org(org, REPORT)

    ended = job.run()

    assert ended.code == 3
    assert job.errors() == {"auth"}
    assert "acme-new.my.salesforce.com" in ended.stdout + ended.stderr
    assert "salesforce.domain" in ended.stdout + ended.stderr
    assert org.requests.count("export") == 0
