"""Stop signals at every moment of a run, to one process and to the whole group: the run ends in order and says so."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "killpg"), reason="needs POSIX signals")

SMALL = ("Awkward Cells", "Lapsed Contracts")
STALLED = "Open Pipeline"
PATIENCE_S = 60
#: A wait that only a signal can end before the test is given up.
LONG_S = 300


def with_startup_code(job, code: str) -> None:
    """Let every Python process of the job run this before anything else."""
    directory = job.directory / "startup"
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(code)
    job.environ["PYTHONPATH"] = str(directory)


def start_group(job) -> subprocess.Popen[str]:
    """The program as the leader of a process group of its own, as a shell starts it."""
    return subprocess.Popen(
        job.command("--log-level", "INFO"),
        cwd=job.directory,
        env=job.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize(
    ("number", "code", "moment"),
    [(signal.SIGINT, 130, "starting"), (signal.SIGINT, 130, "fetching"), (signal.SIGHUP, 143, "fetching")],
)
def test_signal_to_the_whole_group_ends_the_run_in_order(org, job, number, code, moment):
    """Ctrl-C or a closed terminal reaches workers and helpers too: no complaint of any of them, and none is left."""
    org.set_rules({"report": STALLED, "action": "stall", "after_bytes": 1000})
    job.for_org(org, STALLED, workers={"count": 2}, fetch={"stop_grace_s": 0.2})
    process = start_group(job)
    try:
        if moment == "starting":  # the handlers are there before the lock is; the first worker starts soon after
            wait_until((job.output / ".sfr" / "lock").exists)
        else:
            assert org.requests.wait_for(lambda log: log.records("export"), timeout_s=PATIENCE_S)
        family = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, number)
        stdout, stderr = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()

    assert process.returncode == code
    assert f"Stopped by {'SIGINT' if code == 130 else 'SIGTERM'}" in stderr
    assert not any(word in stdout + stderr for word in ("Traceback", "KeyboardInterrupt", "resource_tracker"))
    assert job.errors() == {"interrupted"}
    assert not psutil.wait_procs(family, timeout=PATIENCE_S)[1]
    assert not list(job.output.glob(".sfr-*"))


def test_run_has_no_process_but_its_workers_and_the_resource_tracker(org, job):
    """These are what a signal to the group reaches."""
    org.set_rules({"report": STALLED, "action": "stall", "after_bytes": 1000})
    job.for_org(org, STALLED, *SMALL, workers={"count": 2}, fetch={"stop_grace_s": 0.2})
    running = job.start()
    wait_until(lambda: all(job.file(name).exists() for name in SMALL))
    family = psutil.Process(running.process.pid).children(recursive=True)
    commands = [" ".join(child.cmdline()) for child in family]
    started = sorted(next(name for name in ("resource_tracker", "spawn_main") if name in line) for line in commands)
    assert started == ["resource_tracker", "spawn_main", "spawn_main"]

    running.send(signal.SIGTERM)
    assert running.end().code == 143


def hang_at(job, condition: str) -> Path:
    """Let the main process wait for ever in `os.open` where `path` meets the condition, as on a dead file server.

    Returns a pipe: opening it for writing waits until the process is there, and closing it lets it go on.
    """
    gate = job.directory / "gate"
    os.mkfifo(gate)
    with_startup_code(
        job,
        "import multiprocessing, os\n"
        "opened = os.open\n"
        "def hanging(path, *rest, **options):\n"
        f"    if multiprocessing.parent_process() is None and ({condition}):\n"
        f"        os.read(opened({str(gate)!r}, os.O_RDONLY), 1)\n"
        "    return opened(path, *rest, **options)\n"
        "os.open = hanging\n",
    )
    return gate


@pytest.mark.parametrize(
    ("place", "number", "code"),
    [
        ("run-x", signal.SIGINT, 130),
        ("history.sqlite3", signal.SIGTERM, 143),
        ("sfr.log", signal.SIGHUP, 143),
        ("-probe-", signal.SIGINT, 130),
    ],
)
def test_signal_ends_a_start_that_hangs(org, job, number, code, place):
    """In the sweep, the history, the log or a report directory: one signal is enough, and the summary is written."""
    (job.output / ".sfr").mkdir(parents=True)
    (job.output / ".sfr" / "run-x").write_text("[]")
    gate = hang_at(job, f"{place!r} in str(path)")
    job.for_org(org, *SMALL)
    running = job.start()
    with gate.open("wb"):
        running.send(number)
        ended = running.end()

    job.assert_clean(ended)
    assert ended.code == code == job.summary()["run"]["exit_code"]
    assert f"Stopped by {'SIGINT' if code == 130 else 'SIGTERM'}" in ended.stderr
    assert job.errors() == {"interrupted"}
    assert org.requests.records() == ()


def test_second_signal_ends_a_start_that_hangs_at_the_lock(org, job):
    """Who has no lock writes no summary: it might be another run's."""
    gate = hang_at(job, "str(path).endswith('/lock')")
    job.for_org(org, *SMALL)
    running = job.start()
    with gate.open("wb"):
        running.send(signal.SIGTERM)
        wait_until(lambda: not _has_pending_signal(running.process.pid))
        running.send(signal.SIGTERM)
        ended = running.end()

    job.assert_clean(ended)
    assert ended.code == 143
    assert not (job.output / "summary_report.json").exists()


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        ((), signal.SIGINT, 130),
        (("--check", "--offline"), signal.SIGTERM, 143),
        (("--list-reports",), signal.SIGINT, 130),
    ],
)
def test_signal_ends_the_program_while_it_reads_its_configuration(org, job, number, code, arguments):
    """A configuration in a pipe that nobody writes to: the run has not begun, so there is nothing to explain."""
    job.for_org(org, *SMALL)
    os.unlink(job.directory / "sfr.yaml")
    os.mkfifo(job.directory / "sfr.yaml")
    running = job.start(*arguments)
    with (job.directory / "sfr.yaml").open("wb"):
        running.send(number)
        ended = running.end()

    job.assert_clean(ended)
    assert ended.code == code
    assert not (job.output / "summary_report.json").exists()


def test_signal_ends_a_wait_before_the_next_attempt(org, job, expected):
    """What waits for its turn ends at once, not after the wait, and without the grace of what is in flight."""
    org.set_rules({"report": STALLED, "action": "status", "code": 503, "retry_after": LONG_S})
    job.for_org(org, STALLED, *SMALL, fetch={"attempts": 5, "stop_grace_s": LONG_S, "retry_after_max_s": LONG_S})
    running = job.start("--log-level", "INFO")
    lines = iter(running.process.stderr.readline, "")
    assert any(f"{STALLED}, attempt 1: server" in line for line in lines)
    wait_until(lambda: all(job.file(name).exists() for name in SMALL))

    running.send(signal.SIGTERM)
    ended = running.end()

    assert ended.code == 143
    assert job.reports()[STALLED]["error"] == "interrupted"
    assert job.reports()[STALLED]["attempt_count"] == 1
    assert {job.reports()[name]["status"] for name in SMALL} == {"saved"}
    assert all(job.file(name).read_bytes() == expected(name) for name in SMALL)


def test_signal_ends_a_wait_before_the_next_log_in(org, job):
    """The org is busy and the log-in would be tried again in five minutes."""
    org.set_rules({"path": "/services/oauth2/token", "action": "status", "code": 503, "retry_after": LONG_S})
    known = org.credentials
    auth = {"client_credentials": {"client_id": known.client_id, "client_secret": known.client_secret}}
    job.for_org(org, *SMALL, auth=auth, fetch={"attempts": 5, "stop_grace_s": LONG_S})
    running = job.start()
    assert any("retrying in" in line for line in iter(running.process.stderr.readline, ""))

    running.send(signal.SIGINT)
    ended = running.end()

    job.assert_clean(ended)
    assert ended.code == 130
    assert job.errors() == {"interrupted"}
    assert org.requests.count("login") == 1


SIGNAL_AT_THE_FIRST_SUMMARY = (
    "import os, signal\n"
    "replace = os.replace\n"
    "def signalled(source, target, **options):\n"
    "    if 'summary_report.csv' in str(target):\n"
    "        {act}\n"
    "    return replace(source, target, **options)\n"
    "os.replace = signalled\n"
)


def test_signal_while_the_summary_is_written_does_not_tear_it(org, job, expected):
    """All reports have ended, so nothing is stopped: every summary is whole, with the exit code of the run."""
    with_startup_code(job, SIGNAL_AT_THE_FIRST_SUMMARY.format(act="os.kill(os.getpid(), signal.SIGTERM)"))
    job.for_org(org, *SMALL, summary=None)

    ended = job.run()

    assert ended.code == job.summary()["run"]["exit_code"] == 0
    assert {report["status"] for report in job.reports().values()} == {"saved"}
    assert len(job.csv_summary()) == len(SMALL)
    assert "</html>" in (job.output / "summary_report.html").read_text()
    assert all(job.file(name).read_bytes() == expected(name) for name in SMALL)


def test_second_signal_ends_a_run_that_hangs_in_its_summary(org, job, expected):
    """A file server that does not answer: the first signal is for what is in flight, and nothing is; reports stay."""
    gate = job.directory / "gate"
    os.mkfifo(gate)
    with_startup_code(job, SIGNAL_AT_THE_FIRST_SUMMARY.format(act=f"open({str(gate)!r}).read()"))
    job.for_org(org, *SMALL, summary=None)
    running = job.start()
    with gate.open("wb"):  # which waits until the run waits
        running.send(signal.SIGTERM)
        # Both at once would be one.
        wait_until(lambda: not _has_pending_signal(running.process.pid))
        running.send(signal.SIGTERM)
        ended = running.end()

    assert ended.code == 143
    assert "second stop signal" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert all(job.file(name).read_bytes() == expected(name) for name in SMALL)
    assert not list(job.output.glob(".sfr-*"))


def _has_pending_signal(pid: int) -> bool:
    """Whether a signal to the process has not been handled yet."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return any(int(line.split()[1], 16) for line in lines if line.startswith(("SigPnd", "ShdPnd")))


def test_hangup_is_ignored_when_it_was_at_the_start(org, job):
    """`nohup sfr …` outlives the terminal: only the SIGTERM that follows stops the run, as its first signal."""
    org.set_rules({"report": STALLED, "action": "stall", "after_bytes": 1000})
    job.for_org(org, STALLED, fetch={"stop_grace_s": 0.2})
    running = job.start_command(["sh", "-c", "trap '' HUP; exec \"$@\"", "sh", *job.command()])
    assert org.requests.wait_for(lambda log: log.records("export"), timeout_s=PATIENCE_S)

    running.send(signal.SIGHUP)
    running.send(signal.SIGTERM)
    ended = running.end()

    assert ended.code == 143
    assert "Stopped by SIGTERM" in ended.stderr
    assert "second" not in ended.stderr


def test_ctrl_c_outside_a_run_ends_quietly_with_130(org, job):
    """`--check` has nothing to finish and nothing to explain."""
    org.set_rules({"path": "/services/data/*/limits", "action": "delay", "seconds": LONG_S})
    job.for_org(org, *SMALL)
    running = job.start("--check")
    assert org.requests.wait_for(lambda log: log.records("limits"), timeout_s=PATIENCE_S)

    running.send(signal.SIGINT)
    ended = running.end()

    job.assert_clean(ended)
    assert (ended.code, ended.stderr) == (130, "")


def test_second_signal_ends_a_run_whose_worker_does_not_answer(org, job, tmp_path: Path):
    """A stopped worker would cost the whole grace; the second signal kills it and removes its temporary file."""
    job.for_org(org, STALLED, fetch={"stop_grace_s": LONG_S})
    # A worker that is about to make the new file stops itself, as a machine that swaps or a debugger would stop it.
    with_startup_code(
        job,
        "import multiprocessing, os, signal\n"
        "makedirs = os.makedirs\n"
        "def stopping(name, *rest, **options):\n"
        "    if multiprocessing.parent_process() is not None:\n"
        "        os.kill(os.getpid(), signal.SIGSTOP)\n"
        "    return makedirs(name, *rest, **options)\n"
        "os.makedirs = stopping\n",
    )
    running = job.start()
    main_process = psutil.Process(running.process.pid)
    wait_until(lambda: any(child.status() == psutil.STATUS_STOPPED for child in main_process.children()))
    family = main_process.children()

    running.send(signal.SIGTERM)
    assert "Stopped by SIGTERM" in running.process.stderr.readline()
    running.send(signal.SIGTERM)
    ended = running.end()

    assert ended.code == 143
    assert job.errors() == {"interrupted"}
    assert not psutil.wait_procs(family, timeout=PATIENCE_S)[1]
    assert not list(job.output.glob(".sfr-*"))


def test_report_is_saved_when_its_worker_was_stopped_at_work(org, job, expected):
    """The first worker to begin stops itself: after `payload_timeout_s` another does the work, without a download."""
    with_startup_code(
        job,
        "import multiprocessing, os, signal\n"
        "makedirs = os.makedirs\n"
        "def stopping(name, *rest, **options):\n"
        "    if multiprocessing.parent_process() is not None:\n"
        "        try:\n"
        f"            os.close(os.open({str(job.directory / 'stopped')!r}, os.O_CREAT | os.O_EXCL))\n"
        "            os.kill(os.getpid(), signal.SIGSTOP)\n"
        "        except FileExistsError:\n"
        "            pass\n"
        "    return makedirs(name, *rest, **options)\n"
        "os.makedirs = stopping\n",
    )
    job.for_org(org, *SMALL, workers={"count": 2, "payload_timeout_s": 1})

    ended = job.run()

    assert ended.code == 0
    assert "made no progress for 1 s" in ended.stderr
    assert all(job.file(name).read_bytes() == expected(name) for name in SMALL)
    assert org.requests.count("export") == len(SMALL)
