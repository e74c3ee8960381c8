"""Surroundings of a run that must not change its result: clocks and streams."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime

import pytest

NAMES = ("Awkward Cells", "Lapsed Contracts")
DAY_S = 86_400
#: Much longer than a run of these tests, much shorter than a day.
LONG_S = 3_600

#: Shifts the wall clock, or the monotonic clock, of every process of the run once the first report is in place.
CLOCKS = """
import datetime, os, time
def jumped(seconds):
    return seconds if os.path.exists({flag!r}) else 0.0
{clock}
"""
WALL_CLOCK = """
time_of_day = time.time
time.time = lambda: time_of_day() + jumped({shift_s})
class Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return super().now(tz) + datetime.timedelta(seconds=jumped({shift_s}))
datetime.datetime = Jumping
"""
MONOTONIC_CLOCK = """
ticking = time.monotonic
time.monotonic = lambda: ticking() + jumped({shift_s})
"""


def shift(job, clock: str, shift_s: float) -> None:
    """Let a clock of the job's processes jump in the middle of the run."""
    directory = job.directory / "startup"
    directory.mkdir()
    code = CLOCKS.format(flag=str(job.file(NAMES[0])), clock=clock.format(shift_s=shift_s))
    (directory / "sitecustomize.py").write_text(code)
    job.environ["PYTHONPATH"] = str(directory)


@pytest.mark.parametrize("shift_s", [DAY_S, -DAY_S])
def test_nothing_is_cut_off_or_timed_wrongly_when_the_wall_clock_jumps(org, job, expected, shift_s):
    """A day forth or back in mid-run: durations and limits come from the monotonic clock, dates from the new time."""
    shift(job, WALL_CLOCK, shift_s)
    org.set_rules({"report": NAMES[1], "action": "status", "code": 503, "attempts": 1})
    job.for_org(org, *NAMES, fetch={"deadline_s": LONG_S, "backoff": {"first_s": 0.5, "max_s": 0.5}})

    ended = job.run("--threads", "1")

    assert ended.code == 0, ended.stderr
    first, second = (job.reports()[name] for name in NAMES)
    days = (datetime.fromisoformat(second["pull_date"]) - datetime.fromisoformat(first["created_date"])).days
    assert days in (shift_s // DAY_S, shift_s // DAY_S - (shift_s < 0))
    assert 0 < first["processing_time"] < LONG_S
    assert 0 < second["processing_time"] < LONG_S
    assert 0 < job.summary()["run"]["seconds"] < LONG_S
    assert all(job.file(name).read_bytes() == expected(name) for name in NAMES)


def test_finished_reports_are_kept_when_the_deadline_passes(org, job, expected):
    """What is open ends as `timeout`, requested once; exit 4, since there is a report to keep."""
    shift(job, MONOTONIC_CLOCK, 2 * LONG_S)
    org.set_rules({"report": NAMES[1], "action": "delay", "seconds": LONG_S})
    limits = {"deadline_s": LONG_S, "timeout_s": 10 * LONG_S, "stop_grace_s": 1}
    job.for_org(org, *NAMES, fetch=limits)

    ended = job.run("--threads", "2")

    assert ended.code == 4, ended.stderr
    assert f"deadline of {LONG_S} s" in ended.stderr
    assert [job.reports()[name]["error"] for name in NAMES] == [None, "timeout"]
    assert job.file(NAMES[0]).read_bytes() == expected(NAMES[0])
    assert org.requests.count("export") == len(NAMES)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("streams", ["<&- 1>&- 2>&-", "1>/dev/full 2>/dev/full"], ids=["closed", "full"])
def test_reports_are_saved_when_the_standard_streams_are_closed_or_full(org, job, expected, streams):
    """Nobody sees the table; exit code, files and summary are as ever, and nothing is written into a wrong file."""
    job.for_org(org, *NAMES, logging={"console": {"level": "DEBUG"}, "file": {"path": "logs/sfr.log"}})

    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {streams}', "sh", *job.command()], cwd=job.directory, env=job.environ, timeout=60
    )

    assert ended.returncode == 0
    assert job.summary()["run"]["exit_code"] == 0
    assert all(job.file(name).read_bytes() == expected(name) for name in NAMES)
    assert "finished with exit code 0" in job.log_text()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_command_ends_with_5_when_its_output_cannot_be_written(org, job):
    """`--check > a full disk`: one sentence on stderr, no traceback."""
    job.for_org(org, *NAMES)

    ended = subprocess.run(
        ["sh", "-c", 'exec "$@" >/dev/full', "sh", *job.command("--check", "--offline")],
        cwd=job.directory,
        env=job.environ,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 5
    assert ended.stderr == f"sfr: Standard output cannot be written: {os.strerror(28)}.\n"


@pytest.mark.parametrize("is_one_stream", [True, False], ids=["one stream", "two streams"])
def test_table_is_printed_once_to_each_stream_when_no_summary_can_be_written(org, job, is_one_stream):
    """To stderr too, which is all that some programs keep, but not twice into the same terminal or file."""
    (job.directory / "file").write_text("no directory")
    job.for_org(org, *NAMES, summary=[{"format": "json", "path": str(job.directory / "file/summary.json")}])

    ended = subprocess.run(
        job.command(),
        cwd=job.directory,
        env=job.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if is_one_stream else subprocess.PIPE,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 4
    assert [text.count("2 reports: 2 saved") for text in (ended.stdout, ended.stderr or "")] == [1, not is_one_stream]
