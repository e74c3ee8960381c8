"""What SFR 1.0 left: its history, configurations, report lists and files, used by this version.

`sfr_1_0/` was made by SFR 1.0.0 itself: 3 nights of `input/nightly.csv` with `conf/sfr.yaml`, in /srv/sfr, umask 002.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import sfr
from sfr.cli import main
from sfr.emulator import Emulator
from tests.sfr_program import LIMIT_S, SCRIPT

FIXTURES = Path(__file__).with_name("sfr_1_0")
#: Where SFR 1.0 ran.
FORMER_DIRECTORY = "/srv/sfr"
HOUR_S = 3600
CSV_NAME = "summary_report.csv"
FILES = ("output/Awkward Cells.csv", "zipped/Cells zipped.csv.gz", "output/Cells as JSON.jsonl", "output/Accounts.csv")
DATED = tuple(f"dated/Cells 2026-11-0{day}.csv" for day in (1, 2, 3))


class Installation:
    """A working directory of SFR 1.0, one hour after its last run."""

    def __init__(self, directory: Path, org: Emulator) -> None:
        self.directory = directory
        self.history = directory / "output/.sfr/history.sqlite3"
        shutil.copytree(FIXTURES / "conf", directory / "conf")
        shutil.copytree(FIXTURES / "input", directory / "input")
        for name in (*FILES, *DATED):
            path = directory / name
            path.parent.mkdir(mode=0o750, exist_ok=True)
            fixture = "Awkward Cells.csv" if name in DATED else path.name
            path.write_bytes((FIXTURES / "files" / fixture).read_bytes())
            path.chmod(0o640)
        self.history.parent.mkdir(mode=0o750)
        (self.history.parent / "lock").write_text("pid 4711\n")
        (self.history.parent / "lock").chmod(0o664)
        self.history.write_bytes((FIXTURES / "history.sqlite3").read_bytes())
        self.history.chmod(0o600)
        _move_history(self.history, directory)
        (directory / ".env").write_text(f"SFDC_DOMAIN={org.url}\nSFDC_SID={org.sid}\n")
        (directory / ".env").chmod(0o600)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program as its timer does."""
        command = [sys.executable, str(SCRIPT), "input/nightly.csv", "--config", "conf/sfr.yaml", *arguments]
        return subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, encoding="utf-8", timeout=LIMIT_S, check=False
        )

    def replace_option(self, old: str, new: str) -> None:
        """Change an option of the configuration."""
        path = self.directory / "conf/sfr.yaml"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    def reports(self) -> dict[str, dict[str, Any]]:
        """The JSON summary's reports by name, today's date left out."""
        found = json.loads((self.directory / "output/summary_report.json").read_text())["reports"]
        return {report["file_name"].rstrip("-0123456789"): report for report in found}

    def files(self) -> dict[str, bytes]:
        """All files but those of state and logs."""
        return {
            str(path.relative_to(self.directory)): path.read_bytes()
            for name in ("output", "dated", "zipped")
            for path in (self.directory / name).glob("*")
            if path.is_file() and not path.name.startswith("summary_report")
        }


def _move_history(path: Path, directory: Path) -> None:
    """Let the history be that of runs in another directory, of which the last began one hour ago."""

    def digest(*parts: str) -> bytes:
        """How SFR 1.0 recognised reports."""
        return hashlib.sha256("\0".join(parts).encode()).digest()[:16]

    default, soql = "?export=1&enc=UTF-8&xf=csv&isdtp=p1", "SELECT Id, Name FROM Account LIMIT 3"
    with closing(sqlite3.connect(path)) as database, database:
        (latest,) = database.execute("SELECT max(started_at) FROM runs").fetchone()
        later_s = time.time() - HOUR_S - latest
        database.execute("UPDATE runs SET started_at = started_at + ?, finished_at = finished_at + ?", (later_s,) * 2)
        database.execute("UPDATE reports SET created_at = created_at + ?, pulled_at = pulled_at + ?", (later_s,) * 2)
        for run, position, name, report_id, old, query, row in database.execute(
            "SELECT run, position, name_template, report_id, path, same_query, same_row FROM reports"
        ).fetchall():
            new = old.replace(FORMER_DIRECTORY, str(directory))
            ending = Path(old).name.split(".", 1)[1]
            kind, source, params = ("SFDC", report_id, default) if report_id else ("SOQL", soql, "")
            assert query == digest(kind, source, name, ending, params, str(Path(old).parent))
            assert row == digest(kind, source, params, old, ending)
            database.execute(
                "UPDATE reports SET path = ?, same_query = ?, same_row = ? WHERE run = ? AND position = ?",
                (
                    new,
                    digest(kind, source, name, ending, params, str(Path(new).parent)),
                    digest(kind, source, params, new, ending),
                    run,
                    position,
                ),
            )


@pytest.fixture(scope="module")
def org() -> Iterator[Emulator]:
    """An org with the data of then."""
    with Emulator() as running:
        yield running


@pytest.fixture
def installation(tmp_path: Path, org: Emulator) -> Installation:
    """What an administrator upgrades."""
    return Installation(tmp_path, org)


@dataclass(frozen=True)
class Night:
    """The first run after the upgrade."""

    installation: Installation
    files_before: dict[str, bytes]
    ended: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, org: Emulator) -> Night:
    """With the configuration of then, and `keep`."""
    installation = Installation(tmp_path_factory.mktemp("night"), org)
    installation.replace_option("keep: null ", "keep: 1 ")
    return Night(installation, installation.files(), installation.run())


def test_run_continues_where_sfr_1_0_ended(night: Night) -> None:
    """Same data: files stay as they are, but `csv.gz` is compressed again once; guards and exit code remain."""
    reports, after = night.installation.reports(), night.installation.files()

    assert night.ended.returncode == 4, night.ended.stderr
    assert {name: report["status"] for name, report in reports.items()} == {
        "Awkward Cells": "unchanged",
        "Cells zipped": "saved",
        "Cells as JSON": "unchanged",
        "Cells ": "saved",
        "Old Forecast": "failed",
        "Accounts": "unchanged",
    }
    assert "800 rows, fewer than `min_rows` (10,000)" in reports["Old Forecast"]["message"]
    for name in FILES:
        former = night.files_before[name]
        assert gzip.decompress(after[name]) == gzip.decompress(former) if "zipped" in name else after[name] == former


def test_keep_removes_old_files_that_sfr_1_0_wrote(night: Night) -> None:
    """`output.keep: 1`: the newest of them stays beside the file of this run."""
    dated = sorted(Path(name).name for name in night.installation.files() if name.startswith("dated"))

    assert dated[0] == Path(DATED[-1]).name
    assert len(dated) == 2


def test_summaries_have_the_columns_of_sfr_1_0_first(night: Night) -> None:
    """CSV and JSON: the same names in the same order, with the same values for the same data; new names come last."""
    output = night.installation.directory / "output"
    former = json.loads((FIXTURES / "summary_report.json").read_text())
    summary = json.loads((output / "summary_report.json").read_text())

    former_header, header = (path.read_text().splitlines()[0] for path in (FIXTURES / CSV_NAME, output / CSV_NAME))
    assert header == f"{former_header},delivered"
    assert list(summary["run"]) == list(former["run"])
    assert [type(value) for value in summary["run"].values()] == [type(value) for value in former["run"].values()]
    for before, report in zip(former["reports"], summary["reports"], strict=True):
        assert list(report) == [*before, "delivered", "deliveries"]
        same = ("report_id", "type", "valid", "error", "rows", "columns", "route", "http_status")
        assert {name: report[name] for name in same} == {name: before[name] for name in same}


def test_history_of_sfr_1_0_is_shown(installation: Installation) -> None:
    """`--history`: its runs, and the runs of one report; the file stays as it is."""
    before = installation.history.read_bytes()

    runs, report = installation.run("--history"), installation.run("--history", "Awkward Cells")

    assert (runs.returncode, report.returncode) == (0, 0)
    assert re.findall(r" s +4 +([15]) +([04]) +0 +1 +51 ", runs.stdout) == [("1", "4"), ("1", "4"), ("5", "0")]
    assert [word for word in report.stdout.split() if word in {"saved", "unchanged"}] == [
        "unchanged",
        "unchanged",
        "saved",
    ]
    assert installation.history.read_bytes() == before


def test_resume_skips_what_sfr_1_0_saved(installation: Installation) -> None:
    """`--resume` also after the upgrade fetches only what failed, has another date, or is no longer there."""
    (installation.directory / FILES[-1]).unlink()

    ended = installation.run("--resume")

    assert ended.returncode == 4, ended.stderr
    assert {name: report["status"] for name, report in installation.reports().items()} == {
        "Awkward Cells": "skipped",
        "Cells zipped": "skipped",
        "Cells as JSON": "skipped",
        "Cells ": "saved",
        "Old Forecast": "failed",
        "Accounts": "saved",
    }


def test_guards_compare_with_the_last_run_of_sfr_1_0(tmp_path: Path) -> None:
    """`max_drop_pct` and `columns: same`: its rows and its header are what a report is measured by."""
    with Emulator() as org:
        installation = Installation(tmp_path, org)
        before = installation.files()
        labels = next(csv.reader(io.StringIO(before[FILES[0]].decode(), newline="")))
        org.add_records("Awkward Cells", labels, [["1", "2", "3"]])
        installation.replace_option("max_drop_pct: null", "max_drop_pct: 50")
        fewer = installation.run(), installation.reports()["Awkward Cells"]
        org.add_records("Awkward Cells", ["Other", "Labels", "Here"], [["1", "2", "3"]] * 12)
        installation.replace_option("columns: any ", "columns: same ")
        others = installation.run(), installation.reports()["Awkward Cells"]

    for ended, report in (fewer, others):
        assert ended.returncode == 4, ended.stderr
        assert report["error"] == "guard"
    assert "fewer than the last good run (12)" in fewer[1]["message"]
    assert "Labels" in others[1]["message"]
    assert installation.files()[FILES[0]] == before[FILES[0]]


def test_python_results_have_the_names_of_sfr_1_0(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README of 1.0 printed `report.report.name`."""
    monkeypatch.chdir(installation.directory)
    only = {"report_type": "SFDC", "report_file_name": "Awkward Cells", "report_id": "00O5g0001gtCzAQEA0"}

    result = sfr.run("conf/sfr.yaml", reports=[only])

    (report,) = result.reports
    assert (report.report.name, report.status, report.rows, report.message) == ("Awkward Cells", "unchanged", 12, "")
    assert result.exit_code == 0


#: The log-in methods that the example configuration of 1.0 showed as comments.
OTHER_METHODS = ("jwt", "client_credentials", "refresh_token", "soap", "sf_cli")


def _configurations() -> Iterator[tuple[str, str]]:
    for path in sorted((FIXTURES / "conf").iterdir()):
        yield path.stem, path.read_text()
    text = (FIXTURES / "conf/sfr.yaml").read_text()
    head, method, rest = text.partition("    sid:  ")
    shown, blank, tail = rest.partition("\nreports:")
    assert method
    assert blank
    for name in OTHER_METHODS:
        lines = [line.removeprefix("    # ") for line in shown.splitlines() if line.startswith("    # ")]
        start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}:"))
        end = next((n for n in range(start + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
        block = "\n".join(f"    {line}" for line in lines[start:end])
        yield f"sfr-{name}", f"{head}{block}\n\nreports:{tail}"


CONFIGURATIONS = dict(_configurations())


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_check_accepts_every_configuration_of_sfr_1_0(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its examples, each log-in method, and a configuration with every option; with the lists of then."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES / "input", tmp_path / "input")
    for credential in ("sfdc_client_id", "sfdc_client_secret", "private_key.pem", "refresh_token"):
        (tmp_path / credential).write_text("0123456789")
        (tmp_path / credential).chmod(0o600)
    values = {
        "DOMAIN": "https://acme.my.salesforce.com",
        "SID": "00D000000000001!AQ0AQ",
        "PRIVATE_KEY_FILE": "private_key.pem",
        **dict.fromkeys(("CLIENT_ID", "CLIENT_SECRET", "USERNAME", "PASSWORD", "SECURITY_TOKEN"), "0123456789"),
    }
    for variable, value in values.items():
        monkeypatch.setenv(f"SFDC_{variable}", value)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    text = CONFIGURATIONS[name].replace("/etc/sfr/prod.csv", "input/service.csv")
    (tmp_path / "sfr.yaml").write_text(text.replace("/var/lib/sfr/refresh_token", "refresh_token"))

    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = main(["--config", "sfr.yaml", "--check", "--offline"])

    assert code == 0, output.getvalue()
