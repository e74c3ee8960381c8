"""Runs that meet the lease of another: of a stopped process, of another machine, of one that has gone."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from sfr.emulator import Emulator
from sfr.storage.lease import Lease, LeaseState, LeaseWatch
from tests.fleets import CHECKOUT, Fleet, impatient
from tests.sfr_program import recorded
from tests.waiting import wait_until

SLOW = "Open Pipeline"


class Runs:
    """Runs of one configuration."""

    def __init__(self, fleet: Fleet, config: Path) -> None:
        self.fleet, self.config = fleet, config
        self.out = fleet.out("acme")
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, silence_s: float = 90, wait_s: float = 60) -> subprocess.Popen[str]:
        """Start a run."""
        program = impatient(
            storage__lease__SILENCE_S=silence_s,
            storage__run_directory__LEASE_TIMEOUT_S=wait_s,
            runner__occupancy__LOOK_INTERVAL_S=0.1,
            runner__occupancy__RENEW_INTERVAL_S=0.2,
        )
        process = subprocess.Popen(
            [sys.executable, *program, "--config", str(self.config), *arguments],
            cwd=self.fleet.directory,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def end(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Wait for the end of a run; exit code and standard error."""
        process.wait(60)
        return process.returncode, process.stderr.read()

    def run(self, *arguments: str, **waits: float) -> tuple[int, str]:
        """Run to the end."""
        return self.end(self.start(*arguments, **waits))

    def summary(self) -> dict:
        """The JSON summary's run."""
        return json.loads((self.out / "summary_report.json").read_text())["run"]

    def recorded(self) -> list[tuple[str, int | None]]:
        """Run ids and exit codes of the history."""
        with sqlite3.connect(self.out / ".sfr" / "history.sqlite3") as database:
            found = database.execute("SELECT run_id, exit_code FROM runs ORDER BY number").fetchall()
        database.close()
        return found

    def foreign_lease(self) -> Lease:
        """A lease that another machine holds."""
        (self.out / ".sfr").mkdir(parents=True, exist_ok=True, mode=0o700)
        watch = LeaseWatch(str(self.out / ".sfr"), boot=lambda: "another boot")
        assert watch.look(has_lock=False) is LeaseState.FREE
        lease = watch.take(has_lock=True)
        assert lease is not None
        return lease

    def close(self) -> None:
        """End what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that works."""
    with Emulator() as emulator:
        yield emulator


@pytest.fixture
def runs(tmp_path: Path, org: Emulator) -> Iterator[Runs]:
    """Runs of two reports, one after the other."""
    fleet = Fleet(tmp_path, org)
    made = Runs(fleet, fleet.add("acme", "Deals by Stage", SLOW, fetch={"threads": 1, "stop_grace_s": 1}))
    yield made
    made.close()


def renewing(lease: Lease, end: threading.Event) -> threading.Thread:
    """Renew a lease until the end."""

    def renew() -> None:
        while not end.wait(0.05):
            lease.renew()

    thread = threading.Thread(target=renew)
    thread.start()
    return thread


def resume(processes: list[psutil.Process]) -> None:
    """Let stopped processes continue; once the main process does, it may end its workers."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.resume()


def test_stopped_run_loses_its_lease_and_publishes_nothing_more(org, runs):
    """SIGSTOP beyond the lease: the next run takes it although the lock is held, and the first one ends with 6."""
    org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000, "seconds": 3})
    first = runs.start("--under-fleet", "1")
    history = runs.out / ".sfr" / "history.sqlite3"
    wait_until(lambda: recorded(history, column="status", value="saved") == 1)
    assert org.requests.wait_for(lambda log: len(log.records("export")) == 2, timeout_s=60)
    family = [psutil.Process(first.pid), *psutil.Process(first.pid).children(recursive=True)]
    for process in family:
        process.suspend()
    org.set_rules()
    code, stderr = runs.run("--under-fleet", "1", silence_s=1)
    saved = (runs.out / f"{SLOW}.csv").stat().st_ino
    run_id = runs.summary()["id"]
    resume(family)
    first_code, first_stderr = runs.end(first)

    assert code == 0
    assert "holds the lock" in stderr
    assert first_code == 6
    assert f"It had published before: {runs.out / 'Deals by Stage.csv'}." in first_stderr
    assert (runs.out / f"{SLOW}.csv").stat().st_ino == saved
    assert runs.summary()["id"] == run_id
    assert [code for _, code in runs.recorded()] == [None, 0]
    assert not list(runs.out.glob(".sfr-*"))


def test_run_that_was_killed_loses_its_lease_at_once(org, runs):
    """Its lock is free, and it ran on this machine."""
    org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    first = runs.start("--under-fleet", "1")
    assert org.requests.wait_for(lambda log: len(log.records("export")) == 2, timeout_s=60)
    first.kill()
    first.wait()
    org.set_rules()

    assert runs.run("--under-fleet", "1", wait_s=20)[0] == 0
    assert sorted(path.name for path in (runs.out / ".sfr").glob("lease.*")) == ["lease.2"]


def test_run_under_a_fleet_waits_for_a_live_lease_and_then_ends_with_6(runs):
    """It is renewed on another machine."""
    lease, end = runs.foreign_lease(), threading.Event()
    thread = renewing(lease, end)
    try:
        code, stderr = runs.run("--under-fleet", "1", wait_s=1)
    finally:
        end.set()
        thread.join()

    assert code == 6
    assert "on another machine" in stderr
    assert not (runs.out / "summary_report.json").exists()
    assert lease.is_current()


def test_run_under_a_fleet_begins_when_the_lease_is_released(runs):
    """Within its wait."""
    lease = runs.foreign_lease()
    process = runs.start("--under-fleet", "1")
    wait_until((runs.out / ".sfr" / "lock").exists)
    lease.release()

    assert runs.end(process)[0] == 0


def test_run_under_a_fleet_takes_a_lease_that_has_gone_silent(runs):
    """Of a machine that is lost."""
    lease = runs.foreign_lease()

    assert runs.run("--under-fleet", "1", silence_s=1)[0] == 0
    assert not lease.is_current()


def test_plain_run_ends_with_6_while_a_lease_is_renewed(runs):
    """As soon as it sees that."""
    lease, end = runs.foreign_lease(), threading.Event()
    thread = renewing(lease, end)
    try:
        code, stderr = runs.run()
    finally:
        end.set()
        thread.join()

    assert code == 6
    assert "on another machine" in stderr


def test_plain_run_ends_a_lease_that_has_gone_silent(runs):
    """Its holder notices, if it comes back; the lease is free afterwards."""
    lease = runs.foreign_lease()

    assert runs.run(silence_s=1)[0] == 0
    assert not lease.is_current()
    assert LeaseWatch(str(runs.out / ".sfr")).look(has_lock=True) is LeaseState.FREE


def test_plain_run_is_not_held_up_by_a_released_lease(runs):
    """The usual state after a fleet; no new generation."""
    runs.foreign_lease().release()

    assert runs.run()[0] == 0
    assert [path.name for path in (runs.out / ".sfr").glob("lease.*")] == ["lease.1"]


def test_run_that_is_stopped_keeps_its_code_although_its_lease_is_lost(org, runs):
    """130 and 143 outrank 6; there is no summary."""
    org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    process = runs.start("--under-fleet", "1")
    assert org.requests.wait_for(lambda log: len(log.records("export")) == 2, timeout_s=60)
    members = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in members:
        member.suspend()
    (runs.out / ".sfr" / "lease.2").touch(mode=0o600)
    process.send_signal(signal.SIGTERM)
    resume(members)
    code, stderr = runs.end(process)

    assert code == 143
    assert "has taken" in stderr
    assert not (runs.out / "summary_report.json").exists()


def test_delivery_is_not_published_after_the_lease_is_lost(org, runs, tmp_path):
    """The folder keeps what it had."""
    from sfr.errors import DeliveryError
    from sfr.runner.delivery_attempt import DeliveryAttempt
    from sfr.storage.atomic import write_blocks_atomically

    lease = runs.foreign_lease()
    attempt = DeliveryAttempt(".sfr-x-", 60, 60, may_publish=lease.is_current)
    target = tmp_path / "target.csv"
    write_blocks_atomically(str(target), [b"old"], 0o640, temporary_prefix=".sfr-x-", before_rename=attempt.confirm)
    (runs.out / ".sfr" / "lease.2").touch(mode=0o600)

    with pytest.raises(DeliveryError, match="taken the output directory over"):
        write_blocks_atomically(str(target), [b"new"], 0o640, temporary_prefix=".sfr-x-", before_rename=attempt.confirm)

    assert target.read_bytes() == b"old"
    assert not list(tmp_path.glob(".sfr-x-*"))
