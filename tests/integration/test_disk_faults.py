"""Directories that will not do and disks that are full: each costs its own reports only, and is said as `disk`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT, configure, is_whole, run, summary, temporaries

#: No file of the run may grow beyond this: the large report does not fit, all else does.
FILE_LIMIT_BYTES = 2_000_000
WITH_FILE_LIMIT = (
    "-c",
    f"import resource, runpy; resource.setrlimit(resource.RLIMIT_FSIZE, ({FILE_LIMIT_BYTES},) * 2);"
    f" runpy.run_path({str(SCRIPT)!r}, run_name='__main__')",
)


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that answers well."""
    with Emulator() as running:
        yield running


def test_report_fails_alone_when_its_directory_is_a_file(tmp_path: Path, org: Emulator) -> None:
    """Also where a file is higher up in its path; neither is requested, the other is saved; exit 4."""
    (tmp_path / "file").write_bytes(b"mine")
    places = [
        ("Awkward Cells", tmp_path / "file"),
        ("Open Pipeline", tmp_path / "file" / "deeper"),
        ("Accounts by City", tmp_path / "good"),
    ]
    assert run(configure(tmp_path, org, places)) == 4
    reports = summary(tmp_path / "out" / "summary_report.json")
    assert {name: report["error"] for name, report in reports.items()} == {
        "Awkward Cells": "disk",
        "Open Pipeline": "disk",
        "Accounts by City": None,
    }
    assert str(tmp_path / "file") in reports["Awkward Cells"]["message"]
    assert is_whole(tmp_path / "good" / "Accounts by City.csv", org)
    assert (tmp_path / "file").read_bytes() == b"mine"
    assert [record.report_id for record in org.requests.records("export")] == [org.report("Accounts by City").id[:15]]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_report_fails_alone_when_its_directory_is_read_only(tmp_path: Path, org: Emulator) -> None:
    """Found before the first request."""
    (tmp_path / "sealed").mkdir(mode=0o555)
    places = [("Awkward Cells", tmp_path / "sealed"), ("Accounts by City", tmp_path / "good")]
    assert run(configure(tmp_path, org, places)) == 4
    assert summary(tmp_path / "out" / "summary_report.json")["Awkward Cells"]["error"] == "disk"
    assert org.requests.count("export") == 1


def test_no_report_is_requested_when_a_file_system_cannot_be_written(tmp_path: Path, org: Emulator) -> None:
    """/proc takes new files from nobody, root included: both reports `disk`, exit 5, no request to the org."""
    places = [("Awkward Cells", Path("/proc/sfr")), ("Open Pipeline", Path("/proc/sfr"))]
    assert run(configure(tmp_path, org, places)) == 5
    reports = summary(tmp_path / "out" / "summary_report.json")
    assert [report["error"] for report in reports.values()] == ["disk", "disk"]
    assert org.requests.records() == ()


def test_report_fails_alone_when_its_path_is_a_directory(tmp_path: Path, org: Emulator) -> None:
    """Found by the worker; the directory and what is in it stay."""
    out = tmp_path / "out"
    (out / "Awkward Cells.csv").mkdir(parents=True)
    (out / "Awkward Cells.csv" / "mine").write_bytes(b"mine")
    assert run(configure(tmp_path, org, [("Awkward Cells", out), ("Accounts by City", out)])) == 4
    assert summary(out / "summary_report.json")["Awkward Cells"]["error"] == "disk"
    assert (out / "Awkward Cells.csv" / "mine").read_bytes() == b"mine"
    assert is_whole(out / "Accounts by City.csv", org)
    assert temporaries(out) == []


@pytest.mark.parametrize("failing", ["spool", "worker"])
def test_large_report_fails_alone_when_the_disk_takes_no_more(tmp_path: Path, org: Emulator, failing: str) -> None:
    """A file-size limit fails a write as a full disk does, while receiving (`spool`) or while inflating (`worker`).

    The old file stays, the others are saved, no temporary file is left; exit 4.
    """
    out = tmp_path / "out"
    org.add_report("Large", size_bytes=3_000_000)
    if failing == "spool":
        org.set_rules({"report": "Large", "action": "plain"})
    out.mkdir()
    (out / "Large.csv").write_bytes(b"old\n")
    places = [(name, out) for name in ("Large", "Open Pipeline", "Awkward Cells")]
    assert run(configure(tmp_path, org, places), program=WITH_FILE_LIMIT) == 4
    reports = summary(out / "summary_report.json")
    assert reports["Large"]["error"] == "disk"
    assert "File too large" in reports["Large"]["message"]
    assert ("write the received body" in reports["Large"]["message"]) == (failing == "spool")
    assert (out / "Large.csv").read_bytes() == b"old\n"
    assert all(is_whole(out / f"{name}.csv", org) for name in ("Open Pipeline", "Awkward Cells"))
    assert temporaries(out) == []


def test_resume_fetches_everything_when_the_history_is_torn(tmp_path: Path, org: Emulator) -> None:
    """What nobody knows is not skipped: a full run, 0 in the end, the damaged file kept beside a new one."""
    out = tmp_path / "out"
    config = configure(tmp_path, org, [(name, out) for name in ("Awkward Cells", "Open Pipeline")])
    assert run(config) == 0
    os.truncate(out / ".sfr" / "history.sqlite3", 5000)
    assert run(config, "--resume") == 0
    reports = summary(out / "summary_report.json")
    assert {report["status"] for report in reports.values()} == {"unchanged"}
    assert len(list((out / ".sfr").glob("history.sqlite3*"))) == 2


@pytest.mark.parametrize("is_summary_elsewhere", [True, False])
def test_every_report_is_disk_when_the_output_directory_cannot_be_made(
    tmp_path: Path, org: Emulator, is_summary_elsewhere: bool
) -> None:
    """Exit 5 without a request to the org; a summary with a path of its own says it all."""
    (tmp_path / "out").write_bytes(b"a file where the directory should be")
    elsewhere = tmp_path / "elsewhere.json"
    path = str(elsewhere) if is_summary_elsewhere else None
    config = configure(
        tmp_path,
        org,
        [("Awkward Cells", tmp_path / "good"), ("Open Pipeline", tmp_path / "good")],
        summary=[{"format": "json", "path": path}],
    )
    assert run(config) == 5
    assert org.requests.records() == ()
    if is_summary_elsewhere:
        assert [report["error"] for report in summary(elsewhere).values()] == ["disk", "disk"]
        assert json.loads(elsewhere.read_text())["run"]["exit_code"] == 5
