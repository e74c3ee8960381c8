"""Real file systems that are full, out of inodes, read-only or several: small ones in memory, mounted for each test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import LIMIT_S, SCRIPT, configure, is_whole, run, summary, temporaries
from tests.small_disks import MB, Mount, fill, mounting

SMALL = ("Open Pipeline", "Accounts by City", "Awkward Cells")
OLD = b"old\n"
#: What is written in the very moment in which another report has filled the disk does not fit, either.
IN_TURN: dict[str, dict[str, int]] = {"fetch": {"threads": 1}, "workers": {"count": 1}}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that answers well."""
    with Emulator() as running:
        yield running


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a file system of a size below the test's directory."""
    with mounting(tmp_path) as mount:
        yield mount


def change(place: Path, options: str) -> None:
    """Mount it again with other options."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)


def run_and_read(config: Path) -> tuple[int, str]:
    """The program's exit code and what it wrote to stderr."""
    command = [sys.executable, str(SCRIPT), "--config", str(config)]
    ended = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return ended.returncode, ended.stderr


def put_old_files(directory: Path, *names: str) -> None:
    """Files of an earlier run."""
    for name in names:
        (directory / f"{name}.csv").write_bytes(OLD)


def has_old_files(directory: Path, *names: str) -> bool:
    """Whether these files are as that run left them."""
    return all((directory / f"{name}.csv").read_bytes() == OLD for name in names)


@pytest.mark.parametrize("is_summary_elsewhere", [True, False], ids=["summary elsewhere", "nowhere to write"])
def test_every_report_is_disk_when_the_disk_is_full_at_the_start(
    tmp_path: Path, org: Emulator, mount: Mount, is_summary_elsewhere: bool
) -> None:
    """Exit 5, the old files stay; the summary is written where there is room, otherwise on stderr."""
    out = mount("out")
    put_old_files(out, *SMALL)
    fill(out)
    sections = {"summary": [{"format": "json", "path": str(tmp_path / "summary.json")}]} if is_summary_elsewhere else {}
    code, said = run_and_read(configure(tmp_path, org, [(name, out) for name in SMALL], **sections))
    assert code == 5
    assert "Traceback" not in said
    if is_summary_elsewhere:
        assert {report["error"] for report in summary(tmp_path / "summary.json").values()} == {"disk"}
    else:
        assert not list(out.glob("summary_report.*"))
        assert "No summary could be written" in said
        assert "3 reports: 3 failed" in said
        assert all(name in said for name in SMALL)
    assert has_old_files(out, *SMALL)
    assert temporaries(out) == []


def test_reports_are_saved_elsewhere_when_the_output_directory_is_full(
    tmp_path: Path, org: Emulator, mount: Mount
) -> None:
    """Neither note nor history nor summary can be written: that costs warnings and the 0, and no report."""
    out = mount("out")
    fill(out)
    code, said = run_and_read(configure(tmp_path, org, [(name, tmp_path / "good") for name in SMALL]))
    assert code == 4
    assert all(is_whole(tmp_path / "good" / f"{name}.csv", org) for name in SMALL)
    assert "Traceback" not in said
    assert "3 reports: 3 saved" in said


@pytest.mark.parametrize("action", ["answer", "plain"], ids=["gzip", "as it is"])
def test_reports_that_fit_are_saved_when_the_disk_fills_in_mid_run(
    tmp_path: Path, org: Emulator, mount: Mount, action: str
) -> None:
    """The large one ends as `disk` without a trace but its old file, the summary has room again; then all is well."""
    out = mount("out", 3 * MB)
    org.add_report("Large", size_bytes=5 * MB)
    org.set_rules({"report": "Large", "action": action})
    put_old_files(out, "Large", *SMALL)
    config = configure(tmp_path, org, [(name, out) for name in ("Large", *SMALL)], **IN_TURN)
    assert run(config) == 4
    reports = summary(out / "summary_report.json")
    assert {name: report["error"] for name, report in reports.items()} == {"Large": "disk"} | dict.fromkeys(SMALL)
    assert "No space left on device" in reports["Large"]["message"]
    assert has_old_files(out, "Large")
    assert all(is_whole(out / f"{name}.csv", org) for name in SMALL)
    assert temporaries(out) == []
    change(out, f"size={16 * MB}")
    assert run(config, "--resume") == 0
    assert is_whole(out / "Large.csv", org)


def test_directories_without_inodes_and_read_only_ones_cost_their_own_reports_only(
    tmp_path: Path, org: Emulator, mount: Mount
) -> None:
    """Found before the first request; the report that has a place to go is saved; exit 4."""
    used_up, sealed = mount("used-up"), mount("sealed")
    put_old_files(used_up, "Open Pipeline")
    put_old_files(sealed, "Accounts by City")
    change(used_up, f"nr_inodes={os.statvfs(used_up).f_files - os.statvfs(used_up).f_ffree}")
    change(sealed, "ro")
    places = [("Open Pipeline", used_up), ("Accounts by City", sealed), ("Awkward Cells", tmp_path / "missing" / "yet")]
    assert run(configure(tmp_path, org, places)) == 4
    reports = summary(tmp_path / "out" / "summary_report.json")
    assert {name: report["error"] for name, report in reports.items()} == {
        "Open Pipeline": "disk",
        "Accounts by City": "disk",
        "Awkward Cells": None,
    }
    assert "No space left on device" in reports["Open Pipeline"]["message"]
    assert "Read-only file system" in reports["Accounts by City"]["message"]
    assert has_old_files(used_up, "Open Pipeline")
    assert has_old_files(sealed, "Accounts by City")
    assert is_whole(tmp_path / "missing" / "yet" / "Awkward Cells.csv", org)
    assert org.requests.count("export") == 1


@pytest.mark.parametrize("options", ["ro", "inodes"])
def test_no_report_is_requested_when_the_output_directory_takes_no_file(
    tmp_path: Path, org: Emulator, mount: Mount, options: str
) -> None:
    """Not even the lock can be made: every report `disk`, exit 5, and stderr names each."""
    out = mount("out")
    used = os.statvfs(out).f_files - os.statvfs(out).f_ffree
    change(out, "ro" if options == "ro" else f"nr_inodes={used}")
    code, said = run_and_read(configure(tmp_path, org, [(name, tmp_path / "good") for name in SMALL]))
    assert code == 5
    assert "Traceback" not in said
    assert "3 reports: 3 failed" in said
    assert org.requests.records() == ()


def test_reports_of_one_list_are_saved_on_several_mounts(tmp_path: Path, org: Emulator, mount: Mount) -> None:
    """Spooled bodies too, with gzip and without: nothing is renamed from one file system to another.

    A directory may be reached by a link; a file that is a link out of the tree is itself replaced.
    """
    places = {"Large": mount("first"), "Large as it is": mount("second"), "Open Pipeline": mount("third")}
    for name in ("Large", "Large as it is"):
        org.add_report(name, size_bytes=2 * MB)
    org.set_rules({"report": "Large as it is", "action": "plain"})
    (tmp_path / "link").symlink_to(places["Large as it is"])
    theirs = tmp_path / "theirs"
    theirs.write_bytes(OLD)
    (places["Open Pipeline"] / "Open Pipeline.csv").symlink_to(theirs)
    reached = {**places, "Large as it is": tmp_path / "link"}
    config = configure(tmp_path, org, reached.items())
    assert run(config) == 0
    assert all(is_whole(place / f"{name}.csv", org) for name, place in places.items())
    assert not (places["Open Pipeline"] / "Open Pipeline.csv").is_symlink()
    assert theirs.read_bytes() == OLD
    assert temporaries(*places.values()) == []


def test_run_warns_before_the_first_fetch_when_the_disk_will_not_do(
    tmp_path: Path, org: Emulator, mount: Mount
) -> None:
    """By what the reports took last time: on stderr, in the summary, and in the log before the log-in."""
    target = mount("target")
    org.add_report("Large", size_bytes=3 * MB)
    config = configure(tmp_path, org, [("Large", target), ("Awkward Cells", target)], **IN_TURN)
    log = tmp_path / "sfr.log"
    assert run_and_read(config) == (0, "")
    first = log.read_text()
    assert "may need" not in first
    fill(target, left_bytes=MB)
    code, said = run_and_read(config)
    assert code == 4
    (warning,) = [line for line in said.splitlines() if "may need" in line]
    assert str(target) in warning
    assert "1.0 MB free" in warning
    second = log.read_text().removeprefix(first)
    assert second.index("may need") < second.index("Logged in")
    assert "may need" in (tmp_path / "out" / "summary_report.html").read_text()
    reports = summary(tmp_path / "out" / "summary_report.json")
    assert {name: report["error"] for name, report in reports.items()} == {"Large": "disk", "Awkward Cells": None}
    assert is_whole(target / "Large.csv", org)
    assert json.loads((tmp_path / "out" / "summary_report.json").read_text())["run"]["exit_code"] == 4


def test_lease_that_the_disk_has_no_room_for_is_the_error_of_a_full_disk(
    tmp_path: Path, org: Emulator, mount: Mount
) -> None:
    """Not another run (6): a run under a fleet ends with 5 and reports that to it."""
    out = mount("out")
    (out / ".sfr").mkdir(mode=0o700)
    (out / ".sfr" / "lock").touch(mode=0o600)
    fill(out)
    config = configure(tmp_path, org, [(SMALL[0], out)])
    command = [sys.executable, str(SCRIPT), "--config", str(config), "--under-fleet", "1"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert process.wait(LIMIT_S) == 5
    finally:
        process.kill()
        _, said = process.communicate()
    assert "cannot be used: No space left on device" in said
    assert org.requests.records() == ()
    assert not list((out / ".sfr").glob("*lease*"))
