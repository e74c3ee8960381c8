"""The order in which files reach the disk, seen from outside: what a power cut may take, and what it may not."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from tests.sfr_program import LIMIT_S, SCRIPT, configure

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")

CALLS = "write,fsync,rename,renameat,renameat2"
#: A call on an open file, or a rename: thread, call, path.
CALL = re.compile(r"^\d+ +(?P<call>\w+)\((?:\d+<(?P<file>[^>]*)>|.*?\"(?P<old>[^\"]*)\",.*?\"(?P<new>[^\"]*)\")")


def traced_run(config: Path, trace: Path) -> list[tuple[str, str, str]]:
    """Run the program; what it did to files, in order: call, path, for renames the new path."""
    tracer = ["strace", "-f", "-qq", "-y", "-s", "0", "--seccomp-bpf", "-o", str(trace), "-e", f"trace={CALLS}"]
    command = [*tracer, sys.executable, str(SCRIPT), "--config", str(config)]
    ended = subprocess.run(command, cwd=config.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if "Operation not permitted" in ended.stderr:
        pytest.skip(f"tracing is not permitted here: {ended.stderr.strip()}")
    assert (ended.returncode, ended.stderr) == (0, "")
    calls = map(CALL.match, trace.read_text(errors="replace").splitlines())
    return [(call["call"], call["file"] or call["old"], call["new"] or "") for call in calls if call]


def test_files_are_synced_before_they_are_renamed_and_directories_after(tmp_path: Path) -> None:
    """Reports in memory and spooled, and summaries: nothing is written after the sync, and the JSON comes last."""
    names = ("Awkward Cells", "Large", "Large as it is")
    with Emulator({"rules": [{"report": "Large as it is", "action": "plain"}]}) as org:
        for name in names[1:]:
            org.add_report(name, size_bytes=2_500_000)
        config = configure(tmp_path, org, [(name, tmp_path / "reports") for name in names])
        calls = traced_run(config, tmp_path / "trace")
    renames = [
        (at, old, new) for at, (call, old, new) in enumerate(calls) if call.startswith("rename") and ".sfr/" not in new
    ]
    reports = [str(tmp_path / "reports" / f"{name}.csv") for name in names]
    summaries = [str(tmp_path / "out" / f"summary_report.{form}") for form in ("csv", "html", "json")]
    targets = [new for _, _, new in renames]
    assert sorted(targets[:3]) == sorted(reports)
    assert sorted(targets[3:]) == summaries
    assert targets[-1] == summaries[-1]
    for at, temporary, target in renames:
        on_file = [call for call, path, _ in calls[:at] if path == temporary]
        assert on_file[-1] == "fsync", f"{target} was renamed before it was synced"
        assert ("fsync", str(Path(target).parent), "") in calls[at:], f"the directory of {target} was not synced"
    first_summary = min(at for at, _, new in renames if new in summaries)
    last_sync = max(
        at for at, (call, path, _) in enumerate(calls) if (call, path) == ("fsync", str(tmp_path / "reports"))
    )
    assert last_sync < first_summary
