"""`python -m sfr.emulator` as a program: the ready line, the files, the signals."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from sfr.emulator.catalogue.ids import short_id


@contextmanager
def program(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, object]]]:
    """A running emulator and its ready line."""
    command = [sys.executable, "-m", "sfr.emulator", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_ready_line_says_all_that_a_client_needs(tmp_path: Path) -> None:
    """The keys of the contract, files in the given directory, a catalogue as promised."""
    with program("--directory", str(tmp_path), "--tls") as (_, ready):
        assert list(ready) == [
            "url", "ca_file", "username", "password", "security_token", "client_id", "client_secret", "refresh_token",
            "private_key_file", "sid", "reports",
        ]  # fmt: skip
        assert str(ready["url"]).startswith("https://127.0.0.1:")
        key = Path(str(ready["private_key_file"]))
        assert key.parent == Path(str(ready["ca_file"])).parent == tmp_path
        assert key.stat().st_mode & 0o777 == 0o600
        reports = ready["reports"]
        assert isinstance(reports, list)
        assert len(reports) >= 8
        assert len({report["folder"] for report in reports}) == 3
        assert {report["format"] for report in reports} == {"Tabular", "Summary", "Matrix"}
        assert max(reports, key=lambda report: report["rows"])["rows"] >= 250_000
        assert all(short_id(report["id"]) and len(report["id"]) == 18 for report in reports)
        assert requests.get(f"{ready['url']}/services/data/", verify=str(ready["ca_file"]), timeout=30).ok


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_ends_with_0_when_it_is_stopped(number: signal.Signals) -> None:
    """Both signals; nothing but the ready line on stdout, requests logged on stderr without secrets."""
    with program() as (process, ready):
        report = ready["reports"][0]["id"]
        url = f"{ready['url']}/{report}?export=1"
        requests.get(url, headers={"Cookie": f"sid={ready['sid']}"}, timeout=30)
        process.send_signal(number)
        rest, logged = process.communicate(timeout=30)
    assert process.returncode == 0
    assert rest == ""
    assert f"GET /{report} -> 200" in logged
    assert str(ready["sid"]) not in logged


def test_program_ends_with_2_when_the_scenario_is_wrong(tmp_path: Path) -> None:
    """The reason is on stderr."""
    (tmp_path / "scenario.yaml").write_text("rules: [{action: explode}]\n")
    command = [sys.executable, "-m", "sfr.emulator", "--scenario", str(tmp_path / "scenario.yaml")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert "action: one of answer, refuse" in ended.stderr


def test_program_ends_with_2_when_the_file_is_no_certificate(tmp_path: Path) -> None:
    """One that is not there yet is no mistake: it may be made later."""
    (tmp_path / "a.crt").write_text("not a certificate\n")
    command = [sys.executable, "-m", "sfr.emulator", "--certificate", str(tmp_path / "a.crt")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert "a.crt is not a PEM certificate" in ended.stderr


def test_emulator_imports_nothing_else_of_the_project() -> None:
    """It is a tool of its own; cryptography and yaml are imported only when needed."""
    code = (
        "import sys; import sfr.emulator.__main__; "
        "print([name for name in sys.modules if name.startswith('sfr.') and not name.startswith('sfr.emulator')"
        " and name != 'sfr.version'], 'cryptography' in sys.modules, 'yaml' in sys.modules)"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert shown.stdout.strip() == "[] False False"
