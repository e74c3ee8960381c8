"""Delivering as users do it: the program, its summary, its log, the files and tables it leaves."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sfr.emulator import Emulator
from tests.ports import refusing_port
from tests.postgres_server import postgres_server
from tests.sfr_program import LIMIT_S, configure, recorded, run, start
from tests.waiting import wait_until

NAMES = ("Open Pipeline", "Accounts by City", "Deals by Stage", "Awkward Cells")


@pytest.fixture(scope="module")
def org() -> Iterator[Emulator]:
    """An org that answers well."""
    with Emulator() as running:
        yield running


class Job:
    """A configuration with destinations."""

    def __init__(self, directory: Path, org: Emulator, **destinations: Any) -> None:
        self.directory = directory
        self.share = directory / "share"
        self.share.mkdir()
        destinations = destinations or {"share": {"folder": {"path": str(self.share)}}}
        self.sections: dict[str, Any] = {
            "destinations": destinations,
            "output": {"directory": str(directory / "out"), "deliver": list(destinations)},
            "deliveries": {"attempts": 2},
        }
        self._org = org
        self.config = self.configure()

    def configure(self, **sections: Any) -> Path:
        """Write the configuration, with these sections in the place of the usual ones."""
        reports = [(name, self.directory / "reports") for name in NAMES]
        return configure(self.directory, self._org, reports, **{**self.sections, **sections})

    def run(self, *arguments: str) -> int:
        """Run the program to its end."""
        return run(self.config, *arguments)

    @property
    def reports(self) -> list[dict[str, Any]]:
        """Of the JSON summary."""
        found: list[dict[str, Any]] = json.loads((self.directory / "out/summary_report.json").read_text())["reports"]
        return found

    def statuses(self, key: str = "status") -> set[str]:
        """Of all deliveries."""
        return {each[key] for report in self.reports for each in report["deliveries"]}

    @property
    def log(self) -> str:
        """The log file."""
        return (self.directory / "sfr.log").read_text()


@pytest.fixture
def job(tmp_path: Path, org: Emulator) -> Job:
    """Four reports that go to a folder."""
    return Job(tmp_path, org)


def test_reports_are_delivered_once_and_then_known(job: Job) -> None:
    """The files in the share are those of the local directory; `delivered` names them, last of all columns."""
    assert job.run() == 0
    assert job.statuses() == {"delivered"}
    for name in NAMES:
        assert (job.share / f"{name}.csv").read_bytes() == (job.directory / f"reports/{name}.csv").read_bytes()
    with (job.directory / "out/summary_report.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[-1] == "delivered"
    assert rows[0]["delivered"] == f"file://{job.share}/Open%20Pipeline.csv"

    assert job.run() == 0
    assert {report["status"] for report in job.reports} == {"unchanged"}
    assert job.statuses() == {"unchanged"}
    assert not list(job.share.glob(".sfr-*"))


def test_target_removed_by_hand_comes_back_with_deliver_again(job: Job) -> None:
    """And not before; `--no-deliver` delivers nothing."""
    assert job.run("--no-deliver") == 0
    assert not list(job.share.iterdir())
    assert job.reports[0]["delivered"] is None
    assert job.run() == 0
    (job.share / "Open Pipeline.csv").unlink()

    assert job.run() == 0
    assert not (job.share / "Open Pipeline.csv").exists()
    assert job.run("--deliver-again") == 0
    assert (job.share / "Open Pipeline.csv").exists()


def test_share_that_is_not_mounted_fails_as_delivery_and_resume_delivers_what_is_missing(job: Job) -> None:
    """The local files stay; --resume neither logs in nor fetches."""
    job.share.rmdir()
    assert job.run() == 4
    assert {(report["status"], report["error"], report["valid"]) for report in job.reports} == {
        ("failed", "delivery", False)
    }
    assert all(Path(report["path"]).exists() and report["rows"] for report in job.reports)
    assert "Not tried: 3 deliveries in a row" in " ".join(report["message"] for report in job.reports)

    job.share.mkdir()
    (job.directory / "sfr.log").unlink()
    assert job.run("--resume") == 0
    assert {report["status"] for report in job.reports} == {"skipped"}
    assert job.statuses() == {"delivered"}
    assert "Logged in" not in job.log


def test_resume_fetches_again_what_was_changed_by_hand(job: Job) -> None:
    """It is not the proved file any more."""
    assert job.run() == 0
    Path(job.reports[0]["path"]).write_bytes(b"changed")
    assert job.run("--resume") == 0

    assert [report["status"] for report in job.reports] == ["saved", "skipped", "skipped", "skipped"]


def test_reports_reach_every_kind_of_destination_at_once(tmp_path: Path, org: Emulator) -> None:
    """A folder, PostgreSQL, DuckDB and SQLite; no password is left anywhere."""
    with postgres_server() as server:
        destinations = {
            "share": {"folder": {"path": str(tmp_path / "share")}},
            "pg": {"postgres": {"url": server.url}},
            "duck": {"duckdb": {"path": str(tmp_path / "db/r.duckdb")}},
            "lite": {"sqlite": {"path": str(tmp_path / "db/r.sqlite"), "mode": "append"}},
        }
        job = Job(tmp_path, org, **destinations)
        assert job.run("--check") == 0
        assert job.run() == 0

        report = job.reports[0]
        assert report["delivered"].split(" ") == [
            f"file://{tmp_path}/share/Open%20Pipeline.csv",
            f"postgres://127.0.0.1:{server.port}/postgres/public.open_pipeline",
            f"duckdb://{tmp_path}/db/r.duckdb/main.open_pipeline",
            f"sqlite://{tmp_path}/db/r.sqlite/open_pipeline",
        ]
        import psycopg

        with psycopg.connect(server.url) as database:
            found = database.execute("SELECT count(*) FROM open_pipeline").fetchone()
        assert found == (report["rows"],)
    with closing(sqlite3.connect(tmp_path / "db/r.sqlite")) as lite:
        assert lite.execute("SELECT count(*), count(DISTINCT sfr_date) FROM awkward_cells").fetchone()[1] == 1
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path != job.config]
    assert not [path for path in left if b"5up3r" in path.read_bytes()]


def test_database_that_is_down_costs_bounded_time_and_the_share_gets_its_files(tmp_path: Path, org: Emulator) -> None:
    """Three deliveries in a row, and the rest fail on it at once."""
    share = {"folder": {"path": str(tmp_path / "share")}}
    with refusing_port() as port:
        down = {"postgres": {"url": f"postgresql://sfr:pw@127.0.0.1:{port}/postgres"}}
        job = Job(tmp_path, org, down=down, share=share)
        begun = time.monotonic()

        assert job.run() == 4
        assert time.monotonic() - begun < 30
        assert len(list(job.share.glob("*.csv"))) == len(NAMES)
        assert [[each["status"] for each in report["deliveries"]] for report in job.reports] == [
            ["failed", "delivered"]
        ] * 4
        assert job.run("--check") == 4


def test_everything_wrong_with_destinations_is_reported_at_once(job: Job) -> None:
    """Exit 2, and nothing is fetched."""
    share = str(job.share)
    job.configure(
        destinations={
            "a": {"folder": {"path": share}, "sqlite": {"path": "x"}},
            "none": {"folder": {"path": share}},
            "b c": {"folder": {"path": share}},
            "m": {"sqlite": {"path": "x", "mode": "merge"}},
            "p": {"postgres": {"url": "mysql://x"}},
        },
        output={"directory": str(job.directory / "out"), "deliver": []},
    )
    problems = _problems(job)
    for expected in ("destinations.a:", "`none` means", "b c", "destinations.m", "destinations.p.postgres.url"):
        assert any(expected in problem for problem in problems), (expected, problems)
    assert not (job.directory / "out").exists()


def test_everything_wrong_with_the_rows_is_reported_at_once(job: Job) -> None:
    """Unknown names, `none` beside others, two rows with one target naming both, targets that are other files."""
    item = {"report_type": "SFDC", "report_id": "00O5g000NLeEvksEYC", "report_path": str(job.directory / "reports")}
    rows = [
        {**item, "report_file_name": "A", "deliver": "shaer"},
        {**item, "report_file_name": "B", "deliver": "none share"},
        {**item, "report_file_name": "C", "deliver": ["db"], "table": "T"},
        {**item, "report_file_name": "D", "deliver": "db", "table": "t"},
        {**item, "report_file_name": "E", "deliver": "local"},
        {**item, "report_file_name": "F", "deliver": "db", "format": "jsonl"},
        {**item, "report_file_name": "G", "deliver": "db", "table": "!"},
        {**item, "report_file_name": "H", "deliver": "dated"},
        {**item, "report_file_name": "I", "deliver": "own"},
    ]
    job.configure(
        reports={"list": None, "items": rows},
        destinations={
            "share": {"folder": {"path": str(job.share)}},
            "db": {"sqlite": {"path": str(job.directory / "r.db")}},
            "local": {"folder": {"path": str(job.directory / "reports")}},
            "dated": {"folder": {"path": str(job.share / "{run_dat}")}},
            "unused": {"folder": {"path": str(job.share / "{month_strat}")}},
            "own": {"sqlite": {"path": str(job.directory / "out/.sfr/history.sqlite3")}},
        },
        output={"directory": str(job.directory / "out")},
    )
    problems = "\n".join(_problems(job))

    for expected in (
        "did you mean `share`",
        "`none` stands beside",
        "is already the target of",
        "is already the file of the report 'E'",
        "found `jsonl`",
        "'!' is not a name for a table",
        "did you mean `run_date`",
        "history.path",
        "destinations.unused: has the unknown placeholder",
    ):
        assert expected in problems, (expected, problems)
    assert not (job.directory / "out").exists()


def _problems(job: Job) -> list[str]:
    import subprocess
    import sys

    from tests.sfr_program import SCRIPT

    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--config", str(job.config)],
        cwd=job.directory, capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    return done.stderr.splitlines()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs POSIX")
def test_stop_signal_ends_a_delivery_that_waits_for_a_lock(tmp_path: Path, org: Emulator) -> None:
    """After the grace its report is `delivery`, its file is in place, and the exit code is the signal's."""
    path = tmp_path / "r.db"
    job = Job(tmp_path, org, lite={"sqlite": {"path": str(path)}})
    job.configure(fetch={"stop_grace_s": 0.5})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE mine (x)")
        other.execute("BEGIN IMMEDIATE")
        process = start(job.config)
        try:
            wait_until(lambda: len(list((job.directory / "reports").glob("*.csv"))) == len(NAMES))
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT_S) == 143
        finally:
            process.kill()
            process.wait()

    assert {report["error"] for report in job.reports} <= {"delivery", "interrupted"}
    assert all(Path(report["path"]).exists() for report in job.reports)
    assert job.run("--resume") == 0
    assert job.statuses() == {"delivered"}


def test_killed_run_leaves_a_record_from_which_resume_delivers(tmp_path: Path, org: Emulator) -> None:
    """Kill -9 while a delivery waits: the report was recorded when its file was in place."""
    path = tmp_path / "r.db"
    job = Job(tmp_path, org, lite={"sqlite": {"path": str(path)}})
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE mine (x)")
        other.execute("BEGIN IMMEDIATE")
        process = start(job.config)
        try:
            history = job.directory / "out/.sfr/history.sqlite3"
            wait_until(lambda: recorded(history, column="error", value="delivery") == len(NAMES))
        finally:
            process.kill()
            process.wait()

    assert job.run("--resume") == 0
    assert {report["status"] for report in job.reports} == {"skipped"}
    assert job.statuses() == {"delivered"}
