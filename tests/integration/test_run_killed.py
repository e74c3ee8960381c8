"""The main process killed in the middle of a run: nothing torn, nothing left running, and the next run recovers."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from sfr.emulator import Emulator
from tests.sfr_program import SCRIPT, configure, is_whole, recorded, run, start, still_running, summary, temporaries
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")

SMALL = ("Open Pipeline", "Accounts by City", "Awkward Cells")
STALLED = "All Cases"
#: Of the stalled body, already received: more than what is kept in memory.
STALLED_AFTER_BYTES = 600_000
#: How long a worker may outlive its main process.
ORPHAN_LIMIT_S = 2.0


@dataclass
class KilledRun:
    """A run that was killed while one report was half received and the others were in place."""

    org: Emulator
    config: Path
    out: Path
    #: Its worker processes and their helpers as they were before the kill.
    children: list[psutil.Process]


@pytest.fixture
def killed_run(tmp_path: Path) -> Iterator[KilledRun]:
    """Kill a run by SIGKILL as soon as three reports are saved and the fourth is stuck in its spool file."""
    rule = {"report": STALLED, "action": "stall", "after_bytes": STALLED_AFTER_BYTES}
    with Emulator({"rules": [rule]}) as org:
        out = tmp_path / "out"
        config = configure(tmp_path, org, [(name, out) for name in (*SMALL, STALLED)])
        process = start(config)
        try:
            wait_until(lambda: _is_in_mid_run(process, out))
            children = psutil.Process(process.pid).children(recursive=True)
        finally:
            process.kill()
            process.wait()
        org.set_rules()
        org.requests.clear()
        yield KilledRun(org, config, out, children)


def _is_in_mid_run(process: subprocess.Popen[bytes], out: Path) -> bool:
    assert process.poll() is None, "the run ended by itself"
    saved = recorded(out / ".sfr" / "history.sqlite3", column="status", value="saved")
    return saved == len(SMALL) and any(part.stat().st_size > 400_000 for part in temporaries(out))


def test_workers_end_with_the_main_process_when_it_is_killed(killed_run: KilledRun) -> None:
    """Within two seconds, without a message to them."""
    assert len(killed_run.children) >= 2
    assert still_running(killed_run.children, ORPHAN_LIMIT_S) == []


def test_no_file_is_torn_when_the_main_process_is_killed(killed_run: KilledRun) -> None:
    """What was saved is whole; what was half received is under a name of its own; no summary claims an end."""
    assert all(is_whole(killed_run.out / f"{name}.csv", killed_run.org) for name in SMALL)
    assert not (killed_run.out / f"{STALLED}.csv").exists()
    assert len(temporaries(killed_run.out)) == 1
    assert not list(killed_run.out.glob("summary_report.*"))


def test_next_run_sweeps_and_succeeds_when_the_last_was_killed(killed_run: KilledRun) -> None:
    """The lock died with its holder, the half-received body goes, every report is there in the end."""
    stranger = killed_run.out / ".sfr-20200101T000000-00000000-0-1.part"
    stranger.write_bytes(b"of a run that left no note here")
    assert run(killed_run.config) == 0
    assert temporaries(killed_run.out) == [stranger]
    assert [path.name for path in (killed_run.out / ".sfr").glob("run-*")] == []
    assert all(is_whole(killed_run.out / f"{name}.csv", killed_run.org) for name in (*SMALL, STALLED))


def test_resume_fetches_only_what_is_missing_when_the_last_run_was_killed(killed_run: KilledRun) -> None:
    """One report is requested; a saved file that was changed since would count as missing."""
    (killed_run.out / "Awkward Cells.csv").write_bytes(b"edited\n")
    assert run(killed_run.config, "--resume") == 0
    asked = {record.report_id for record in killed_run.org.requests.records("export")}
    assert asked == {killed_run.org.report(name).id[:15] for name in (STALLED, "Awkward Cells")}
    statuses = {name: report["status"] for name, report in summary(killed_run.out / "summary_report.json").items()}
    assert statuses == {
        "Open Pipeline": "skipped",
        "Accounts by City": "skipped",
        "Awkward Cells": "saved",
        STALLED: "saved",
    }
    assert all(is_whole(killed_run.out / f"{name}.csv", killed_run.org) for name in (*SMALL, STALLED))


def test_resume_still_knows_what_is_there_when_a_resuming_run_was_killed(tmp_path: Path) -> None:
    """Killed while it looks at the files: it must not hide what the run before it has saved."""
    out = tmp_path / "out"
    killed_at_a_file = (
        "-c",
        "import os, runpy, signal\n"
        "opened = os.open\n"
        "def fatal(name, *rest, **options):\n"
        f"    if str(name) == {str(out / (SMALL[-1] + '.csv'))!r}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return opened(name, *rest, **options)\n"
        "os.open = fatal\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')",
    )
    with Emulator() as org:
        config = configure(tmp_path, org, [(name, out) for name in SMALL])
        assert run(config) == 0
        assert run(config, "--resume", program=killed_at_a_file) == -signal.SIGKILL
        org.requests.clear()
        assert run(config, "--resume") == 0
        assert org.requests.count("export") == 0
    assert {report["status"] for report in summary(out / "summary_report.json").values()} == {"skipped"}


def test_summary_that_a_killed_run_had_begun_is_removed_by_the_next_run(tmp_path: Path) -> None:
    """Its directory need not be that of a report."""
    summaries, reports = tmp_path / "summaries", tmp_path / "reports"
    killed_at_a_summary = (
        "-c",
        "import os, runpy, signal\n"
        "replaced = os.replace\n"
        "def fatal(source, target, **options):\n"
        f"    if str(target) == {str(summaries / 'summary.json')!r}:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return replaced(source, target, **options)\n"
        "os.replace = fatal\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')",
    )
    target = {"format": "json", "path": str(summaries / "summary.json")}
    with Emulator() as org:
        config = configure(tmp_path, org, [(name, reports) for name in SMALL], summary=[target])
        assert run(config, program=killed_at_a_summary) == -signal.SIGKILL
        assert len(temporaries(summaries)) == 1
        assert run(config, "--resume") == 0
    assert [path.name for path in summaries.iterdir()] == ["summary.json"]
