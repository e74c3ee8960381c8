"""`sfr doctor`: each thing that would fail at night is found the day before, and the rest is still checked."""

from __future__ import annotations

import argparse
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from sfr.commands.doctor import add_arguments, main
from sfr.commands.health.registry import CHECKS
from sfr.commands.setup.key_pair import make_key_pair
from sfr.emulator import Emulator
from sfr.emulator.log_in.credentials import Credentials
from tests.mail_server import MailServer
from tests.ports import refusing_port

KNOWN = Credentials()


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org."""
    with Emulator(certificate="conf/prod.crt") as emulator:
        yield emulator


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, empty."""
    monkeypatch.chdir(tmp_path)
    for name in ("SFDC_SID", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def set_up(directory: Path, org: Emulator) -> SetUpFiles:
    """A set-up in which all is well."""
    org.org.certificate = directory / "conf/prod.crt"
    return SetUpFiles(directory, org)


class SetUpFiles:
    """The files of a set-up with `jwt`, and the command."""

    def __init__(self, directory: Path, org: Emulator) -> None:
        self.directory = directory
        for name in ("conf", "input"):
            (directory / name).mkdir()
        make_key_pair("conf/prod.key", "conf/prod.crt", "prod")
        self.rows(f"SFDC,Open Pipeline,{org.report('Open Pipeline').id}")
        jwt = {"client_id": KNOWN.client_id, "username": KNOWN.username, "private_key_file": "conf/prod.key"}
        self.config: dict[str, Any] = {
            "salesforce": {"domain": org.url, "auth": {"jwt": jwt}},
            "reports": {"list": "input/prod.csv"},
            "fetch": {"connect_timeout_s": 2},
        }
        self.write()

    def write(self) -> None:
        """Write the configuration."""
        path = self.directory / "conf/prod.yaml"
        path.write_text(yaml.safe_dump(self.config))
        path.chmod(0o600)

    def rows(self, *rows: str, head: str = "report_type,report_file_name,report_id") -> None:
        """Write the list."""
        (self.directory / "input/prod.csv").write_text("\n".join([head, *rows, ""]))


def doctor(
    capsys: pytest.CaptureFixture[str], *options: str, allow: tuple[Path, ...] = ()
) -> tuple[int, dict[str, dict[str, str]]]:
    """The exit code, and each line by its name; nothing is left behind, but for what is made below `allow`."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    before = {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")}
    code = main(parser.parse_args(["--config", "conf/prod.yaml", "--json", *options]))
    after = {path: path.stat().st_mtime_ns for path in Path.cwd().rglob("*")}
    may_change = {path for path in after if path in allow or set(path.parents) & set(allow)}
    assert {path: time for path, time in after.items() if path not in may_change} == {
        path: time for path, time in before.items() if path not in may_change
    }
    answer = json.loads(capsys.readouterr().out)
    assert answer["exit_code"] == code
    for check in answer["checks"]:
        assert list(check) == ["name", "status", "message", "remedy"]
        assert check["status"] in ("ok", "warn", "fail", "skip")
        assert check["message"]
        assert (check["remedy"] != "") == (check["status"] in ("warn", "fail")), check
    return code, {check["name"]: check for check in answer["checks"]}


def states(checks: dict[str, dict[str, str]], status: str) -> set[str]:
    """The names of checks with this status."""
    return {name for name, check in checks.items() if check["status"] == status}


def test_good_set_up_ends_with_0(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Every check has a line, in the registry's order."""
    code, checks = doctor(capsys)
    assert code == 0
    assert list(checks) == [name for check in CHECKS for name in check.names]
    assert states(checks, "fail") == states(checks, "warn") == set()
    assert states(checks, "skip") == {"tls", "destinations", "mail"}


def test_wrong_configuration_ends_with_2_and_its_line(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """What depends on it is skipped."""
    set_up.config["fetch"]["thread"] = 3
    set_up.write()
    code, checks = doctor(capsys)
    assert code == 2
    assert states(checks, "fail") == {"configuration"}
    assert "did you mean `threads`" in checks["configuration"]["message"]
    assert checks["log_in"]["status"] == "skip"


def test_wrong_list_ends_with_2_and_the_org_is_still_checked(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line names the rows."""
    set_up.rows("SFDC,A,00O5g000NLeEvksEYD", "SFDC,,x")
    code, checks = doctor(capsys)
    assert code == 2
    assert states(checks, "fail") == {"list"}
    assert "prod.csv:2" in checks["list"]["message"]
    assert checks["log_in"]["status"] == checks["api_enabled"]["status"] == "ok"
    assert checks["reports"]["status"] == "skip"


@pytest.mark.parametrize("file", ["conf/prod.key", ".env.prod", ".env"])
def test_file_with_secrets_that_others_can_read_is_a_warning(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str], file: str
) -> None:
    """It fails no run."""
    path = set_up.directory / file
    path.touch()
    path.chmod(0o644)
    code, checks = doctor(capsys)
    assert code == 0
    assert states(checks, "warn") == {"files"}
    assert file in checks["files"]["message"]


@pytest.mark.parametrize("offset_s", [200, -200])
def test_clock_that_is_off_fails(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str], offset_s: float
) -> None:
    """By more than 120 s, either way."""
    org.change(clock_offset_s=offset_s)
    code, checks = doctor(capsys)
    assert code == 4
    assert states(checks, "fail") == {"clock"}


def test_clock_within_two_minutes_is_right(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Salesforce allows for it."""
    org.change(clock_offset_s=100)
    assert doctor(capsys)[0] == 0


def test_refused_log_in_ends_with_3(set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]) -> None:
    """What depends on it is skipped."""
    org.set_rules({"path": "/services/oauth2/token", "action": "oauth_error"})
    code, checks = doctor(capsys)
    assert code == 3
    assert states(checks, "fail") == {"log_in"}
    assert "Permitted Users" in checks["log_in"]["message"]
    assert {"scopes", "api_enabled", "classic", "analytics", "reports"} <= states(checks, "skip")


def test_org_that_cannot_be_reached_ends_with_4(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """No log-in is tried."""
    with refusing_port() as port:
        set_up.config["salesforce"]["domain"] = f"http://127.0.0.1:{port}"
        set_up.write()
        code, checks = doctor(capsys)
    assert code == 4
    assert states(checks, "fail") == {"org"}
    assert checks["log_in"]["status"] == "skip"


def test_name_that_is_not_known_fails_once(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """One line says so, with the name; what needs the address is skipped."""
    set_up.config["salesforce"]["domain"] = "https://no-such-org.invalid"
    set_up.write()
    code, checks = doctor(capsys)
    assert code == 4
    assert states(checks, "fail") == {"dns"}
    assert "no-such-org.invalid" in checks["dns"]["message"]
    assert {"tls", "org", "clock", "log_in"} <= states(checks, "skip")


@pytest.mark.parametrize(
    ("kind", "word"), [("expired", "expired"), ("unknown_ca", "trusted"), ("wrong_host", "not for")]
)
def test_certificate_that_cannot_be_trusted_fails(
    directory: Path, capsys: pytest.CaptureFixture[str], kind: Any, word: str
) -> None:
    """With the reason; no log-in is tried."""
    with Emulator(tls=kind) as org:
        set_up = SetUpFiles(directory, org)
        set_up.config["salesforce"]["ca_bundle"] = org.ca_file
        set_up.write()
        code, checks = doctor(capsys)
    assert code == 4
    assert {"tls", "org"} <= states(checks, "fail")
    assert word in checks["tls"]["message"]


def test_certificates_lifetime_is_named(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In days."""
    with Emulator(tls=True, certificate=directory / "conf/prod.crt") as org:
        set_up = SetUpFiles(directory, org)
        set_up.config["salesforce"]["ca_bundle"] = org.ca_file
        set_up.write()
        code, checks = doctor(capsys)
    assert code == 0
    assert "30 more days" in checks["tls"]["message"]


@pytest.mark.parametrize(
    ("missing", "failed", "warned"),
    [
        ("API Enabled", {"api_enabled", "reports"}, set()),
        ("Run Reports", {"classic", "analytics"}, set()),
        ("Export Reports", set(), {"classic"}),
    ],
)
def test_missing_permission_is_found(
    set_up: SetUpFiles,
    org: Emulator,
    capsys: pytest.CaptureFixture[str],
    missing: str,
    failed: set[str],
    warned: set[str],
) -> None:
    """A way that does not work is a warning while the other does."""
    org.change(missing_permissions=(missing,))
    code, checks = doctor(capsys)
    assert states(checks, "fail") == failed
    assert states(checks, "warn") == warned
    assert code == (4 if failed else 0)


def test_missing_scope_for_the_export_is_a_warning(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Analytics API still works."""
    org.change(scopes=("api", "refresh_token"))
    code, checks = doctor(capsys)
    assert code == 0
    assert states(checks, "warn") == {"scopes", "classic"}


def test_route_that_a_row_depends_on_fails(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """`route: classic` has no other way."""
    org.change(missing_permissions=("Export Reports",))
    report = org.report("Open Pipeline").id
    set_up.rows(f"SFDC,Open Pipeline,{report},classic", head="report_type,report_file_name,report_id,route")
    code, checks = doctor(capsys)
    assert code == 4
    assert states(checks, "fail") == {"classic"}


def test_report_that_the_user_cannot_see_fails(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """By name; the others are still tried."""
    rows = [f"SFDC,{name},{org.report(name).id}" for name in ("Open Pipeline", "Salaries")]
    set_up.rows(*rows)
    code, checks = doctor(capsys)
    assert code == 4
    assert states(checks, "fail") == {"reports"}
    assert "Salaries" in checks["reports"]["message"]
    assert checks["classic"]["status"] == "ok"


def test_active_run_is_a_warning(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """The lock is only looked at."""
    lock = set_up.directory / "output/.sfr/lock"
    lock.parent.mkdir(parents=True)
    with lock.open("w") as held:
        os.chmod(lock, 0o600)
        fcntl.flock(held, fcntl.LOCK_EX)
        code, checks = doctor(capsys)
    assert code == 0
    assert states(checks, "warn") == {"lock"}


def test_damaged_history_is_a_warning(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """It fails no run, and stays as it is."""
    history = set_up.directory / "output/.sfr/history.sqlite3"
    history.parent.mkdir(parents=True)
    history.write_bytes(b"not a database" * 100)
    history.chmod(0o600)
    code, checks = doctor(capsys)
    assert code == 0
    assert states(checks, "warn") == {"history"}


def test_app_certificate_that_ends_soon_is_a_warning(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month before."""
    monkeypatch.setattr("sfr.commands.health.files.CERTIFICATE_WARN_DAYS", 800)
    code, checks = doctor(capsys)
    assert code == 0
    assert states(checks, "warn") == {"certificate"}


def test_secrets_of_the_configuration_are_masked(
    set_up: SetUpFiles, org: Emulator, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the server repeats them."""
    set_up.config["salesforce"]["auth"] = {
        "client_credentials": {"client_id": "x", "client_secret": "very-secret-text"}
    }
    set_up.write()
    rule = {"action": "oauth_error", "error": "invalid_grant", "description": "got very-secret-text"}
    org.set_rules({"path": "/services/oauth2/token", **rule})
    code, checks = doctor(capsys)
    assert code == 3
    assert "very-secret-text" not in json.dumps(checks)
    assert "***" in checks["log_in"]["message"]


def test_lines_are_plain_without_a_terminal(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """Status, name and finding; the remedy after an arrow."""
    (set_up.directory / "conf/prod.key").chmod(0o644)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert main(parser.parse_args(["--config", "conf/prod.yaml"])) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "ok   configuration: conf/prod.yaml is valid"
    assert any(line.startswith("warn files: ") and " → " in line for line in lines)


def test_destination_gets_a_probe_that_is_removed_again(set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each; a database file that does not exist is not made."""
    share = set_up.directory / "share"
    share.mkdir()
    before = share.stat().st_mtime_ns
    set_up.config["destinations"] = {
        "share": {"folder": {"path": str(share)}},
        "away": {"folder": {"path": str(set_up.directory / "nowhere")}},
        "rows": {"sqlite": {"path": str(share / "rows.sqlite3"), "mode": "replace"}},
    }
    set_up.write()
    code, checks = doctor(capsys, allow=(share,))
    assert code == 4
    assert states(checks, "fail") == {"destination away"}
    assert checks["destination share"]["status"] == checks["destination rows"]["status"] == "ok"
    assert list(share.iterdir()) == []
    assert share.stat().st_mtime_ns > before


def test_probe_that_cannot_be_removed_is_a_warning(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names what was left."""
    share = set_up.directory / "share"
    share.mkdir()
    set_up.config["destinations"] = {"share": {"folder": {"path": str(share)}}}
    set_up.write()
    unlink = os.unlink

    def refuse(path: Any, **options: Any) -> None:
        if ".sfr-probe-" in str(path) and str(path).startswith(str(share)):
            raise PermissionError(13, "Permission denied", path)
        unlink(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    code, checks = doctor(capsys, allow=(share,))
    assert code == 0
    assert states(checks, "warn") == {"destination share"}
    assert next(share.iterdir()).name in checks["destination share"]["message"]


def test_mail_server_without_a_user_is_only_connected_to(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    """The line does not speak of a log-in that did not happen."""
    with MailServer() as server:
        email = {"host": "127.0.0.1", "port": server.used_port, "security": "none"}
        set_up.config["notify"] = {"email": {**email, "from": "sfr@acme.com", "to": ["a@acme.com"]}}
        set_up.write()
        _, checks = doctor(capsys)
    assert checks["mail"]["status"] == "ok"
    assert checks["mail"]["message"] == "127.0.0.1 answers; no user is configured"


def test_mail_server_is_logged_in_to_and_gets_no_message(
    set_up: SetUpFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong password fails."""
    with MailServer(password="right") as server:
        email = {"host": "127.0.0.1", "port": server.used_port, "security": "none", "username": "reader"}
        for password, status in (("right", "ok"), ("wrong", "fail")):
            addresses = {"from": "sfr@acme.com", "to": ["a@acme.com"], "password": password}
            set_up.config["notify"] = {"email": {**email, **addresses}}
            set_up.write()
            code, checks = doctor(capsys)
            assert checks["mail"]["status"] == status, checks["mail"]
            assert code == (0 if status == "ok" else 4)
        assert server.messages == []
