"""The main job from end to end: files, summaries, table, log, exit codes, and what a second run does."""

from __future__ import annotations

import csv
import hashlib
import io
import signal
from datetime import datetime

import pytest

from tests.waiting import wait_until

COLUMNS = [
    "file_name",
    "report_id",
    "type",
    "valid",
    "created_date",
    "pull_date",
    "processing_time",
    "attempt_count",
    "file_size",
    "status",
    "error",
    "rows",
    "columns",
    "size_bytes",
    "sha256",
    "path",
    "route",
    "http_status",
    "message",
    "delivered",
]
RUN_KEYS = [
    "id",
    "started",
    "finished",
    "seconds",
    "exit_code",
    "domain",
    "version",
    "threads",
    "workers",
    "saved",
    "unchanged",
    "skipped",
    "failed",
    "rows",
    "size_bytes",
]
SMALL = ("Awkward Cells", "Lapsed Contracts", "Deals by Stage")
STALLED = "Open Pipeline"


@pytest.fixture
def stalled(org, job):
    """A run of two reports, one of which is saved and the other stalled for ever."""

    def start(**options):
        org.set_rules({"report": STALLED, "action": "stall", "after_bytes": 1000})
        job.for_org(org, "Awkward Cells", STALLED, **options)
        running = job.start("--threads", "2")
        assert org.requests.wait_for(lambda log: log.records("export", org.report(STALLED).id), timeout_s=60)
        wait_until(lambda: "Awkward Cells: saved" in job.log_text())
        return running

    return start


def test_default_catalogue_is_saved_byte_by_byte(org, job, expected):
    """Every file is the export less its footer; summaries, table and log agree with the files."""
    job.for_org(org, summary=None)

    ended = job.run()

    assert ended.code == 0, ended.stderr
    assert ended.stderr == ""
    reports = job.reports()
    assert [entry.name for entry in org.reports] == list(reports)
    for entry in org.reports:
        data, outcome = job.file(entry.name).read_bytes(), reports[entry.name]
        assert data == expected(entry.name)
        assert outcome["sha256"] == hashlib.sha256(data).hexdigest()
        assert (outcome["size_bytes"], outcome["rows"]) == (len(data), entry.rows)
        table = csv.reader(io.StringIO(data.decode(), newline=""))
        assert outcome["columns"] == len(next(table))
        assert sum(1 for record in table if record) == entry.rows
        assert outcome["file_size"] == pytest.approx(len(data) / 1_048_576, abs=0.051)
        assert entry.name in ended.stdout
    assert f"{len(org.reports)} reports: {len(org.reports)} saved" in ended.stdout
    assert "Exit code 0" in ended.stdout


def test_summary_has_the_contract_s_columns_and_values(org, job):
    """CSV and JSON hold the same values, in the same order of columns; the run's figures are sums of them."""
    job.for_org(org, *SMALL, summary=None)

    assert job.run().code == 0

    summary, rows = job.summary(), job.csv_summary()
    assert list(summary) == ["run", "reports"]
    assert list(summary["run"]) == RUN_KEYS
    assert [list(report) for report in summary["reports"]] == [[*COLUMNS, "deliveries"]] * len(SMALL)
    assert list(rows[0]) == COLUMNS
    for report, line in zip(summary["reports"], rows, strict=True):
        assert {key: "" if value is None else str(value) for key, value in report.items() if key in COLUMNS} == line
        assert (report["valid"], report["status"], report["error"], report["type"]) == (True, "saved", None, "SFDC")
        assert (report["route"], report["http_status"], report["attempt_count"]) == ("classic", 200, 1)
        assert datetime.fromisoformat(report["created_date"]).tzinfo is not None
        assert report["created_date"] <= report["pull_date"]
        assert report["processing_time"] > 0
    run = summary["run"]
    assert (run["saved"], run["unchanged"], run["skipped"], run["failed"]) == (len(SMALL), 0, 0, 0)
    assert run["rows"] == sum(report["rows"] for report in summary["reports"])
    assert run["size_bytes"] == sum(report["size_bytes"] for report in summary["reports"])
    assert (run["exit_code"], run["domain"]) == (0, org.url)
    assert "<html" in (job.output / "summary_report.html").read_text()


def test_requests_come_in_the_contract_s_order(org, job):
    """Version, one check with the Bearer token, then one export each with the sid."""
    job.for_org(org, *SMALL)

    assert job.run("--threads", "1").code == 0

    records = org.requests.records()
    assert [record.route for record in records] == ["versions", "limits", *["export"] * len(SMALL)]
    assert records[1].credential == "bearer"
    assert [record.report_id for record in records[2:]] == [org.report(name).id[:15] for name in SMALL]
    assert "export=1" in records[2].request.target
    assert "xf=csv" in records[2].request.target


def test_log_file_names_every_report_and_no_temporary_file_stays(org, job):
    """The log is at DEBUG by default; only results, the summaries and `.sfr` remain."""
    job.for_org(org, *SMALL, summary=None)

    assert job.run().code == 0

    assert all(name in job.log_text() for name in SMALL)
    names = {path.name for path in job.output.iterdir()}
    assert names == {
        *(f"{name}.csv" for name in SMALL),
        ".sfr",
        *(f"summary_report.{x}" for x in ("csv", "json", "html")),
    }
    assert not [path for path in (job.output / ".sfr").iterdir() if path.name.startswith("run-")]


def test_identical_file_is_left_untouched_when_the_job_runs_again(org, job):
    """`if_unchanged: skip`: status unchanged, exit 0, the same inode and time."""
    job.for_org(org, *SMALL)
    assert job.run().code == 0
    before = job.file("Awkward Cells").stat()

    ended = job.run()

    after = job.file("Awkward Cells").stat()
    assert ended.code == 0
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert {report["status"] for report in job.reports().values()} == {"unchanged"}
    assert all(report["sha256"] and report["pull_date"] for report in job.reports().values())
    assert "3 unchanged" in ended.stdout


def test_resume_fetches_only_what_is_missing_or_changed(org, job, expected):
    """Files that still are as the last run left them are skipped; a changed one and a lost one are fetched."""
    job.for_org(org, *SMALL)
    assert job.run().code == 0
    job.file("Awkward Cells").write_text("spoilt")
    job.file("Deals by Stage").unlink()
    org.requests.clear()

    ended = job.run("--resume")

    assert ended.code == 0
    assert {name: report["status"] for name, report in job.reports().items()} == {
        "Awkward Cells": "saved",
        "Lapsed Contracts": "skipped",
        "Deals by Stage": "saved",
    }
    assert job.file("Awkward Cells").read_bytes() == expected("Awkward Cells")
    assert org.requests.count("export") == 2


def test_lost_session_is_renewed_once_for_eight_threads(org, job, expected):
    """All threads find the session gone; one log-in serves them all, and every file is whole."""
    names = [f"Part {number}" for number in range(16)]
    for name in names:
        org.add_report(name, rows=50)
    org.change(lose_sessions_after=6)
    credentials = org.credentials
    auth = {"client_credentials": {"client_id": credentials.client_id, "client_secret": credentials.client_secret}}
    job.for_org(org, *names, auth=auth)

    ended = job.run("--threads", "8")

    assert ended.code == 0, ended.stderr
    assert org.requests.count("login") == 2
    assert all(job.file(name).read_bytes() == expected(name) for name in names)


def test_others_are_saved_when_one_report_fails(org, job, expected):
    """Exit 4; the file of the earlier run stays; stdout says what to do."""
    job.for_org(org, *SMALL)
    org.set_rules({"report": "Deals by Stage", "action": "html", "page": "url_no_longer_exists"})
    job.output.mkdir()
    job.file("Deals by Stage").write_text("of yesterday")

    ended = job.run()

    assert ended.code == 4
    failed = job.reports()["Deals by Stage"]
    assert (failed["status"], failed["valid"], failed["error"]) == ("failed", False, "not_found")
    assert (failed["rows"], failed["sha256"], failed["pull_date"]) == (None, None, None)
    assert job.file("Deals by Stage").read_text() == "of yesterday"
    assert "Deals by Stage: not_found" in ended.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_signal_ends_the_run_and_keeps_finished_work(stalled, job, expected, number, code):
    """What is in flight gets `stop_grace_s`, then every open report is `interrupted`; the summary is written."""
    running = stalled(fetch={"stop_grace_s": 0.2})

    running.send(number)
    ended = running.end()

    job.assert_clean(ended)
    assert ended.code == code, ended.stderr
    reports = job.reports()
    assert (reports[STALLED]["status"], reports[STALLED]["error"]) == ("failed", "interrupted")
    assert reports["Awkward Cells"]["status"] == "saved"
    assert job.file("Awkward Cells").read_bytes() == expected("Awkward Cells")
    assert not job.file(STALLED).exists()
    assert job.summary()["run"]["exit_code"] == code
    assert not list(job.output.glob(".sfr-*"))


def test_second_signal_ends_the_run_at_once(stalled, job):
    """The grace of ten minutes is cut short; the summary is written all the same."""
    running = stalled(fetch={"stop_grace_s": 600})

    running.send(signal.SIGTERM)
    assert "Stopped by SIGTERM" in running.process.stderr.readline()
    running.send(signal.SIGTERM)
    ended = running.end()

    assert ended.code == 143
    assert job.reports()[STALLED]["error"] == "interrupted"


def test_second_run_ends_with_6_when_one_is_active(stalled, job, org):
    """It names the other, sends the org no request and writes no file."""
    running = stalled(fetch={"stop_grace_s": 0.2})
    asked = len(org.requests.records())

    second = job.run()

    assert second.code == 6
    assert str(running.process.pid) in second.stderr
    assert second.stdout == ""
    assert len(org.requests.records()) == asked
    assert job.log_text().count(" started: ") == 1
    assert "Another run" not in job.log_text()
    assert not (job.output / "summary_report.json").exists()
    running.send(signal.SIGTERM)
    assert running.end().code == 143


def test_deadline_ends_what_is_open_as_timeout(org, job):
    """Reports cut off by `deadline_s` are `timeout`."""
    org.set_rules({"report": STALLED, "action": "stall"})
    job.for_org(org, STALLED, fetch={"deadline_s": 1.5})

    ended = job.run()

    assert ended.code == 5
    assert job.errors() == {"timeout"}


def test_demo_domain_needs_no_org(job, org):
    """`domain: emulator` starts the embedded org inside the run, for any log-in method."""
    credentials = org.credentials
    entry = org.report("Awkward Cells")
    job.configure(
        "emulator",
        {"jwt": {"client_id": credentials.client_id, "username": credentials.username}},
        [{"report_type": "SFDC", "report_file_name": entry.name, "report_id": entry.id}],
    )

    ended = job.run()

    assert ended.code == 0, ended.stderr
    assert job.file(entry.name).read_bytes() == b"".join(org.expected_csv(entry.name))
