"""One run in this process, from the lock to the last summary: real org in a box, real workers, real signals.

What needs the program around it (command line, streams, process group) is in `tests/e2e`.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from sfr.commands.planning import load_with_rows
from sfr.emulator import Emulator
from sfr.emulator.http.request_log import RequestLog
from sfr.errors import BugError, RunActiveError
from sfr.history.history import History
from sfr.logs.log import open_logging
from sfr.results import ReportStats, RunStats
from sfr.runner.pipeline import run as run_plan
from sfr.runner.plan import RunPlan
from sfr.salesforce.routes import ROUTES
from sfr.workers import generation, restarts
from tests.sfr_program import configure, is_whole, summary, temporaries
from tests.waiting import wait_until

NAMES = ("Awkward Cells", "Deals by Stage", "Lapsed Contracts")
STALLED = "Open Pipeline"
STALL = {"report": STALLED, "action": "stall", "after_bytes": 1000}
CHALLENGE = {"action": "html", "page": "challenge"}
LONG_S = 300
LIMIT_S = 30


class Run:
    """A configured run against an org; what it left."""

    def __init__(self, directory: Path, org: Emulator) -> None:
        self.directory, self.org, self.out = directory, org, directory / "out"
        self.fetch: dict[str, Any] = {"threads": 1, "attempts": 2, "backoff": {"first_s": 0.01, "max_s": 0.02}}
        self.salesforce: dict[str, Any] = {}
        self.sections: dict[str, Any] = {}
        self.names: tuple[str, ...] = NAMES

    def __call__(self, **plan: Any) -> RunStats:
        """Run it to its end."""
        salesforce = {"domain": self.org.url, "route": "classic", "auth": {"sid": {"value": self.org.sid}}}
        config = configure(
            self.directory,
            self.org,
            [(name, self.out) for name in self.names],
            salesforce={**salesforce, **self.salesforce},
            fetch=self.fetch,
            **{"workers": {"count": 1}, **self.sections},
        )
        loaded, reports = load_with_rows(str(config), None)
        with open_logging(loaded.config.logging, loaded.redactor) as logs:
            return run_plan(RunPlan(loaded, reports, progress=False, **plan), logs)

    @property
    def run_summary(self) -> dict[str, Any]:
        """The JSON summary's `run`."""
        found: dict[str, Any] = json.loads((self.out / "summary_report.json").read_text())["run"]
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        """By name, how the summary says that each report ended: status, or error."""
        reports = summary(self.out / "summary_report.json")
        return {name: row["error"] or row["status"] for name, row in reports.items()}

    def at_request(self, name: str, act: Callable[[], object]) -> None:
        """Do it in a thread as soon as this report was requested."""
        report_id = self.org.report(name).id
        self.when(lambda log: log.records("export", report_id), act)

    def when(self, met: Callable[[RequestLog], object], act: Callable[[], object]) -> None:
        """Do it in a thread as soon as the org's log is so."""

        def wait() -> None:
            if self.org.requests.wait_for(lambda log: bool(met(log)), timeout_s=LIMIT_S):
                act()

        threading.Thread(target=wait, daemon=True).start()


def send(*numbers: int) -> None:
    """Signals to this process; two of one kind at once would be one."""
    for number in numbers:
        os.kill(os.getpid(), number)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run, not begun. Afterwards nothing of it is left: no worker, no temporary, no handler."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Emulator() as org:
        one = Run(tmp_path, org)
        yield one
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert [child for child in multiprocessing.active_children() if child.name.startswith("sfr-")] == []
    assert temporaries(tmp_path, one.out) == []


def test_run_saves_every_report_and_writes_the_json_summary_last(run, monkeypatch) -> None:
    """While the lock is held, after everything else: it is the mark that a run has ended."""
    replaced: list[str] = []
    replace = os.replace

    def noting(source: str, target: str, **options: Any) -> None:
        replaced.append(os.path.basename(target))
        with (run.out / ".sfr" / "lock").open() as lock, pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        replace(source, target, **options)

    monkeypatch.setattr(os, "replace", noting)
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == 0
    assert set(run.outcomes.values()) == {"saved"}
    assert all(is_whole(run.out / f"{name}.csv", run.org) for name in NAMES)
    assert replaced[-1] == "summary_report.json"
    assert {"summary_report.csv", "summary_report.html"} <= set(replaced[:-1])


# Stop signals and the deadline


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_ends_what_hangs_after_its_grace(run, number, code) -> None:
    """Requested before: saved. In flight past the grace, and not requested: `interrupted`."""
    run.org.set_rules(STALL)
    run.names = (NAMES[0], STALLED, NAMES[1])
    run.fetch["stop_grace_s"] = 0.2

    def stop() -> None:
        wait_until((run.out / f"{NAMES[0]}.csv").exists)
        send(number)

    run.at_request(STALLED, stop)
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == code
    assert list(run.outcomes.values()) == ["saved", "interrupted", "interrupted"]


def test_second_signal_does_not_wait_for_the_grace(run) -> None:
    """Five minutes of grace, and the run is over."""
    run.org.set_rules(STALL)
    run.names = (STALLED, NAMES[0])
    run.fetch["stop_grace_s"] = LONG_S
    run.at_request(STALLED, lambda: send(signal.SIGINT, signal.SIGTERM))
    stats = run()

    assert stats.exit_code == 130
    assert stats.duration_s < LONG_S
    assert set(run.outcomes.values()) == {"interrupted"}


def test_third_signal_ends_a_main_thread_that_takes_no_events(run, monkeypatch) -> None:
    """It hangs at the history, say: what has not ended is `interrupted`, and the summary is written still."""
    record, seen = History.record_report, list[str]()

    def hanging(history: History, stats: ReportStats) -> None:
        if not seen:
            seen.append(stats.report.name)
            send(signal.SIGTERM, signal.SIGINT, signal.SIGTERM)
            pytest.fail("the third signal raises")
        record(history, stats)

    monkeypatch.setattr(History, "record_report", hanging)
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == 143
    assert len(run.outcomes) == len(NAMES)
    assert run.outcomes[seen[0]] == "saved"


def test_third_signal_leaves_no_log_in_that_would_be_tried_again(run) -> None:
    """The org is busy, with a `Retry-After` of a minute: the thread that waits for that ends with the run."""
    with_log_in(run)
    run.org.set_rules({"path": "/services/oauth2/token", "action": "status", "code": 503, "retry_after": 60})
    run.when(lambda log: log.records("login"), lambda: send(signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    stats = run()

    assert stats.exit_code in (130, 143)
    assert set(run.outcomes.values()) == {"interrupted"}
    for thread in threading.enumerate():
        if thread.name == "startup":
            thread.join(LIMIT_S)
            assert not thread.is_alive()
    assert run.org.requests.count("login") == 1


def test_deadline_cuts_off_what_hangs_and_what_was_not_requested(run) -> None:
    """All `timeout`, exit 5, without the grace: what hangs is aborted."""
    run.org.set_rules(STALL)
    run.names = (STALLED, NAMES[0])
    run.fetch |= {"deadline_s": 0.3, "stop_grace_s": LONG_S}
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == 5
    assert set(run.outcomes.values()) == {"timeout"}
    assert stats.duration_s < LONG_S


# Log-in, sessions and challenges


def with_log_in(run: Run) -> None:
    """Log in at the org, where a session id needs no request."""
    known = run.org.credentials
    method = {"client_id": known.client_id, "client_secret": known.client_secret}
    run.salesforce["auth"] = {"client_credentials": method}


def test_log_in_that_cannot_be_reached_ends_every_report_without_a_request(run) -> None:
    """Five attempts at the log-in, none at a report: `network`, exit 5."""
    with_log_in(run)
    run.fetch["attempts"] = 20
    run.org.set_rules({"path": "/services/oauth2/token", "action": "refuse", "how": "reset"})
    stats = run()

    assert stats.exit_code == 5
    assert set(run.outcomes.values()) == {"network"}
    assert {report.attempt_count for report in stats.reports} == {0}
    assert [record.route for record in run.org.requests.records()] == ["login"] * 5


def test_signal_ends_a_run_that_waits_for_its_log_in(run) -> None:
    """Every report is `interrupted`; nothing was requested, and nothing waits for the response."""
    with_log_in(run)
    run.fetch["stop_grace_s"] = LONG_S
    run.org.set_rules({"path": "/services/oauth2/token", "action": "delay", "seconds": LONG_S})
    run.when(lambda log: log.records("login"), lambda: send(signal.SIGTERM))
    stats = run()

    assert stats.exit_code == 143
    assert stats.duration_s < LONG_S
    assert set(run.outcomes.values()) == {"interrupted"}
    assert run.org.requests.count("export") == 0


def test_session_that_does_not_work_ends_the_run_before_the_first_report(run) -> None:
    """Exit 3, every report `auth`, no export."""
    run.org.end_sessions()
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == 3
    assert set(run.outcomes.values()) == {"auth"}
    assert run.org.requests.count("export") == 0


def test_session_lost_on_the_way_ends_the_run_when_it_cannot_be_renewed(run) -> None:
    """A given session id has no other: what was saved stays, no refused report is requested again, exit 3."""
    run.org.set_rules(*({"report": name, "action": "html", "page": "login"} for name in NAMES[1:]))
    stats = run()

    assert stats.exit_code == 3
    assert list(run.outcomes.values()) == ["saved", "auth", "auth"]
    assert run.org.requests.count("export") == len(NAMES)


def test_expired_password_at_one_export_ends_the_run(run) -> None:
    """A permanent `auth` concerns every report, by `auto` too: no other request, exit 3."""
    run.salesforce["route"] = "auto"
    run.org.set_rules({"report": NAMES[0], "action": "html", "page": "change_password"})
    stats = run()

    assert stats.exit_code == 3
    assert set(run.outcomes.values()) == {"auth"}
    assert run.org.requests.count("export") == 1


def test_challenge_ends_the_run_without_another_request_when_the_route_is_classic(run) -> None:
    """Exit 3, and the reports not requested are `challenge` as well."""
    run.org.set_rules({"report": NAMES[0], **CHALLENGE})
    stats = run()

    assert stats.exit_code == 3
    assert set(run.outcomes.values()) == {"challenge"}
    assert run.org.requests.count("export") == 1


def test_challenge_continues_with_analytics_when_the_route_is_auto(run) -> None:
    """All reports are saved, one export was requested, and the summary's notes say why."""
    run.salesforce["route"] = "auto"
    run.fetch["threads"] = 2
    run.org.set_rules(*({"report": name, "path": "/00O*", **CHALLENGE} for name in NAMES))
    stats = run()

    assert stats.exit_code == 0, run.outcomes
    assert {report.route for report in stats.reports} == {"analytics"}
    assert run.org.requests.count("export") <= 2
    assert any("analytics" in note for note in stats.notes)


# Workers and threads


class RefusedProcess:
    """A process that the system does not grant."""

    def __init__(self, **options: Any) -> None:
        self.name = options["name"]

    def start(self) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")


def test_run_ends_with_5_when_no_worker_can_be_started(run, monkeypatch) -> None:
    """Every report is `worker`; nothing hangs."""
    monkeypatch.setattr(generation, "SpawnedProcess", RefusedProcess)
    monkeypatch.setattr(restarts, "RESTART_PAUSE_S", 0.0)
    stats = run()

    assert stats.exit_code == 5
    assert set(run.outcomes.values()) == {"worker"}


def test_run_ends_with_5_when_no_fetch_thread_is_granted(run, monkeypatch) -> None:
    """The system ran out of threads between the log-in and the first report."""
    start = threading.Thread.start

    def limited(thread: threading.Thread) -> None:
        if thread.name.startswith("fetch-"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    stats = run()

    assert stats.exit_code == 5
    assert set(run.outcomes.values()) == {"worker"}
    assert run.org.requests.count("export") == 0


#: A worker that is about to write to a directory of this name dies, as by the kernel's out-of-memory killer.
DEADLY = """
import multiprocessing, os, signal
makedirs = os.makedirs
def deadly(name, *rest, **options):
    if os.path.basename(name) == "deadly" and multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    return makedirs(name, *rest, **options)
os.makedirs = deadly
"""


def test_report_fails_alone_when_its_worker_is_killed_twice(run, monkeypatch) -> None:
    """One download, two workers, `worker`, exit 4; the others are saved."""
    startup = run.directory / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(DEADLY)
    monkeypatch.setenv("PYTHONPATH", str(startup))
    items = [
        {
            "report_type": "SFDC",
            "report_file_name": name,
            "report_id": run.org.report(name).id,
            "report_path": str(run.directory / ("deadly" if name == NAMES[0] else "out")),
        }
        for name in NAMES
    ]
    run.sections["reports"] = {"list": None, "items": items}
    stats = run()

    assert stats.exit_code == 4
    assert list(run.outcomes.values()) == ["worker", "saved", "saved"]
    assert stats.worker_deaths == 2
    assert run.org.requests.count("export") == len(NAMES)
    assert temporaries(run.directory / "deadly") == []


def test_bug_in_a_fetch_thread_ends_the_run_as_a_bug(run, monkeypatch) -> None:
    """It is raised in the main thread, after workers and threads were ended."""

    def broken(_context: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(ROUTES, "classic", broken)
    with pytest.raises(BugError, match="ZeroDivisionError"):
        run()

    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("fetch-", "sfr-"))]


# The output directory


def test_second_run_is_refused_while_the_lock_is_held(run) -> None:
    """It sends no request and writes no summary, which would be the other run's."""
    (run.out / ".sfr").mkdir(parents=True)
    with (run.out / ".sfr" / "lock").open("w") as lock:
        lock.write("process 4711")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(RunActiveError, match="4711"):
            run()

    assert [path.name for path in run.out.iterdir()] == [".sfr"]
    assert run.org.requests.records() == ()


def test_every_report_is_disk_when_the_output_directory_is_a_file(run) -> None:
    """Exit 5 without a request; a summary elsewhere is written."""
    run.out.write_text("not a directory")
    elsewhere = run.directory / "elsewhere" / "summary.json"
    run.sections["summary"] = [{"format": "json", "path": str(elsewhere)}]
    stats = run()

    assert stats.exit_code == 5
    assert {row["error"] for row in summary(elsewhere).values()} == {"disk"}
    assert run.org.requests.records() == ()


def test_resume_skips_what_is_there_and_fetches_the_rest(run) -> None:
    """One file was changed after the first run; its report alone is requested again."""
    run()
    (run.out / f"{NAMES[1]}.csv").write_text("changed")
    before = run.org.requests.count("export")
    stats = run(is_resume=True)

    assert stats.exit_code == 0
    assert list(run.outcomes.values()) == ["skipped", "saved", "skipped"]
    assert run.org.requests.count("export") - before == 1


def test_resume_requests_nothing_when_all_is_there(run) -> None:
    """No log-in, no worker, no thread: exit 0; skipping again after a skip works as well."""
    run()
    run.org.requests.clear()

    for _ in range(2):
        assert run(is_resume=True).exit_code == 0
        assert set(run.outcomes.values()) == {"skipped"}
    assert run.org.requests.records() == ()


def test_summary_that_cannot_be_written_turns_0_into_4(run, capfd) -> None:
    """All reports are saved; the JSON, written last, has the true code, and stderr the summary that is missing."""
    (run.directory / "file").write_text("no directory")
    lost = run.directory / "file" / "summary.csv"
    run.sections["summary"] = [{"format": "csv", "path": str(lost)}, {"format": "json"}, {"format": "html"}]
    stats = run()

    assert stats.exit_code == run.run_summary["exit_code"] == 4
    assert set(run.outcomes.values()) == {"saved"}
    assert str(lost) in capfd.readouterr().err
