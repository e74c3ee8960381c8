"""File systems that do not support all of POSIX (SMB, exFAT, S3 mounts), by errors injected into system calls."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import LIMIT_S, SCRIPT, configure, is_whole, summary, temporaries

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

#: In memory, spooled and finished in place.
NAMES = ("Awkward Cells", "Large", "Large as it is")


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that answers well."""
    with Emulator({"rules": [{"report": "Large as it is", "action": "plain"}]}) as running:
        for name in NAMES[1:]:
            running.add_report(name, size_bytes=2_500_000)
        yield running


def run_with(config: Path, **errors: str) -> tuple[int, str]:
    """The program's exit code and stderr where each of these calls fails with its error, in all processes."""
    injected = [part for call, error in errors.items() for part in ("-e", f"inject={call}:error={error}")]
    tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={','.join(errors)}", *injected]
    command = [*tracer, sys.executable, str(SCRIPT), "--config", str(config)]
    ended = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if "ptrace" in ended.stderr and "not permitted" in ended.stderr:
        pytest.skip(f"tracing is not permitted here: {ended.stderr.strip()}")
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


@pytest.mark.parametrize(
    "errors",
    [
        {"fchmod": "EPERM"},
        {"fchmod": "EOPNOTSUPP"},
        {"fsync": "EINVAL"},
        {"fchmod": "ENOSYS", "fsync": "EOPNOTSUPP", "fallocate": "EOPNOTSUPP"},
    ],
    ids=lambda errors: " ".join(errors),
)
def test_reports_are_saved_with_one_warning_where_modes_or_syncs_are_not_supported(
    tmp_path: Path, org: Emulator, errors: dict[str, str]
) -> None:
    """Workers and main process come upon it many times; the user reads it once, with the directory."""
    config = configure(tmp_path, org, [(name, tmp_path / "reports") for name in NAMES])
    code, stderr = run_with(config, **errors)
    assert code == 0
    assert stderr.count("WARNING") == stderr.count("SFR continues without") == 1
    assert str(tmp_path) in stderr
    assert all(is_whole(tmp_path / "reports" / f"{name}.csv", org) for name in NAMES)
    assert temporaries(tmp_path / "reports", tmp_path / "out") == []


@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def test_every_report_is_disk_where_there_are_no_locks(tmp_path: Path, org: Emulator, error: str) -> None:
    """Exit 5, no request to the org; the advice is a local disk, and space is not mentioned."""
    code, stderr = run_with(configure(tmp_path, org, [(NAMES[0], tmp_path / "reports")]), flock=error)
    report = summary(tmp_path / "out" / "summary_report.json")[NAMES[0]]
    assert code == 5
    assert report["error"] == "disk"
    assert "`output.directory` on a local disk" in report["message"]
    assert "space" not in report["message"] + stderr
    assert org.requests.records() == ()


@pytest.mark.parametrize("call", ["fchmod", "fsync"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_failing_disk_is_no_file_system_that_lacks_something(
    tmp_path: Path, org: Emulator, call: str, error: str
) -> None:
    """Reports stay `disk`, as ever: exit 5, no new file, and nothing is said to be done without."""
    code, stderr = run_with(configure(tmp_path, org, [(NAMES[0], tmp_path / "reports")]), **{call: error})
    assert code == 5
    assert "SFR continues without" not in stderr
    assert not (tmp_path / "reports" / f"{NAMES[0]}.csv").exists()
    assert temporaries(tmp_path / "reports") == []


def test_report_that_cannot_replace_the_old_one_says_what_to_do(tmp_path: Path, org: Emulator) -> None:
    """The old file stays; the message recommends a local disk, not space."""
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / f"{NAMES[1]}.csv").write_bytes(b"old\n")
    config = configure(tmp_path, org, [(NAMES[1], reports)])
    code, stderr = run_with(config, rename="ENOSYS", renameat="ENOSYS", renameat2="ENOSYS")
    assert code == 5
    assert "local disk" in stderr
    assert (reports / f"{NAMES[1]}.csv").read_bytes() == b"old\n"
    assert temporaries(reports) == []
