"""What several runs make of a report: guards, warnings, retention, and a history that is broken."""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.e2e.conftest import row

NAME = "Nightly"
LABELS = ("Id", "Name", "Stage")


@pytest.fixture
def night(org, job):
    """Runs the job with the report as it is that night; returns the report's row of the summary."""

    def run(records, labels=LABELS, name=NAME, **options):
        identifier = org.add_records(NAME, labels, [[f"{n}-{label}" for label in labels] for n in range(records)])
        job.configure(org.url, {"sid": {"value": org.sid}}, [row(name, identifier)], **options)
        run.ended = job.run_here()
        (outcome,) = job.reports().values()
        return outcome

    return run


@pytest.mark.parametrize(
    ("labels", "change"),
    [
        ((*LABELS, "Owner"), "added `Owner`"),
        (("Id", "Stage", "Name"), "reordered `Stage`, `Name`"),
    ],
    ids=["added", "reordered"],
)
def test_guard_names_the_change_and_keeps_the_old_file_when_columns_change(night, job, labels, change):
    """`columns: same`: the report fails as `guard`, the old file stays, the new one is put aside for a look."""
    guards = {"columns": "same"}
    assert night(5, guards=guards)["status"] == "saved"
    before = job.file(NAME).read_bytes()

    outcome = night(5, labels, guards=guards)

    assert (night.ended.code, outcome["error"]) == (5, "guard")
    assert change in outcome["message"]
    assert job.file(NAME).read_bytes() == before
    rejected = job.output / f"{NAME}.csv.rejected"
    assert str(rejected) in outcome["message"]
    assert rejected.read_text().splitlines()[0] == ",".join(f'"{label}"' for label in labels)


def test_guard_measures_against_the_last_good_run_when_rows_drop(night, job):
    """A refused night is no measure for the next one; a first run has none and passes."""
    guards = {"max_drop_pct": 50}
    first = night(10, guards=guards)
    refused, refused_again, small = night(4, guards=guards), night(3, guards=guards), night(5, guards=guards)

    assert [one["status"] for one in (first, refused, refused_again, small)] == ["saved", "failed", "failed", "saved"]
    assert "4 rows, 60.0 % fewer than the last good run (10)" in refused["message"]
    assert "(10)" in refused_again["message"]
    assert len(job.file(NAME).read_text().splitlines()) == 6


def test_empty_report_is_warned_of_when_the_last_run_had_rows(night):
    """`may_be_empty: warn`: saved with a message on the first such night, silently on the next."""
    night(10)
    first, second = night(0), night(0)

    assert (first["status"], first["error"], first["rows"]) == ("saved", None, 0)
    assert first["message"] == "The report has no rows; the last good run had 10."
    assert (second["status"], second["message"]) == ("unchanged", None)


def test_old_dated_files_are_removed_when_more_than_keep_are_there(night, job):
    """The night's own file and the newest `keep` before it stay, and what no run wrote; the rest goes."""
    job.output.mkdir()
    (job.output / f"{NAME} 20200101000000.csv").write_text("somebody's own\n")
    written = []
    for records in range(1, 4):
        path = night(records, name=f"{NAME} {{run_date:%Y%m%d%H%M%S}}", output={"keep": 1})["path"]
        assert path not in written
        written.append(path)
        second = time.time_ns() // 10**9
        while time.time_ns() // 10**9 == second:
            time.sleep(0.01)

    there = {str(path) for path in job.output.glob(f"{NAME} *.csv")}
    assert there == {*written[1:], str(job.output / f"{NAME} 20200101000000.csv")}


@pytest.mark.parametrize("state", ["garbage", "newer", "directory"])
def test_run_continues_when_the_history_cannot_be_used(night, job, state):
    """Whatever lies in its place costs the comparison with earlier runs, not the run; `--history` works too."""
    night(10)
    path = job.output / ".sfr" / "history.sqlite3"
    kept = None
    if state == "newer":
        database = sqlite3.connect(path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        kept = path.read_bytes()
    elif state == "directory":
        path.unlink()
        path.mkdir()
    else:
        path.write_bytes(b"garbage" * 1000)

    outcome = night(4, guards={"max_drop_pct": 50})

    assert (night.ended.code, outcome["status"]) == (0, "saved"), night.ended.stderr
    assert "history" in night.ended.stderr
    assert kept is None or path.read_bytes() == kept
    assert job.run_here("--history").code == 0
