"""The program on a real terminal: what a person sees, and that a terminal which accepts no output blocks nothing."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest

from tests.pseudo_terminal import PseudoTerminal
from tests.waiting import wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")

REPORTS = ("Accounts by City", "Deals by Stage", "Open Pipeline")
SLOW = "Open Pipeline"
PATIENCE_S = 60


@pytest.fixture
def terminal() -> Iterator[PseudoTerminal]:
    """A terminal as people have them."""
    with PseudoTerminal(columns=100) as terminal:
        yield terminal


def start(job, terminal: PseudoTerminal, *arguments: str, stdout: int | None = None, **environ: str):
    """The program with this terminal as its standard streams."""
    return subprocess.Popen(
        job.command(*arguments),
        cwd=job.directory,
        env={**job.environ, "TERM": "xterm-256color", **environ},
        stdin=subprocess.DEVNULL,
        stdout=terminal.stream if stdout is None else stdout,
        stderr=terminal.stream,
    )


def stalled(org, job) -> None:
    """A list of three reports, one of which never ends."""
    org.set_rules({"report": SLOW, "action": "stall", "after_bytes": 1000})
    job.for_org(org, *REPORTS, workers={"count": 1}, fetch={"stop_grace_s": 0.2})


def is_in_flight(org) -> bool:
    """Whether the slow report was requested."""
    return bool(org.requests.records("export", org.report(SLOW).id))


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_run_shows_reports_in_flight_then_only_its_table(org, job, terminal, columns):
    """Whatever the width: lines during the run, nothing of them at its end, no line wider than the terminal."""
    stalled(org, job)
    terminal.resize(columns)
    process = start(job, terminal, "--log-level", "INFO")
    wait_until(lambda: any("2 of 3" in line or "2/3" in line for line in terminal.lines()[-1:]))
    wait_until(lambda: any(line.startswith(SLOW[:5]) for line in terminal.lines()[-2:]))
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE_S) == 143

    wait_until(lambda: "SIGTERM" in "".join(terminal.lines()[-3:]))
    shown = terminal.lines()
    assert not [line for line in shown if "waiting for Salesforce" in line or "2/3" in line or "elapsed" in line]
    assert sum(line.startswith("INFO ") and "started: 3 reports" in line for line in shown) == 1
    assert sum(line.startswith("Status ") for line in shown) == 1
    assert terminal.grid.widest() <= columns


def test_log_lines_come_out_whole_while_progress_is_drawn_and_the_terminal_resized(org, job, terminal):
    """No record is cut or painted over, whatever happens around it."""
    stalled(org, job)
    process = start(job, terminal, "--log-level", "DEBUG")
    for columns in (30, 120, 50, 100):
        wait_until(lambda: any("report" in line or "/3" in line for line in terminal.lines()[-1:]))
        terminal.resize(columns)
        process.send_signal(signal.SIGWINCH)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130

    wait_until(lambda: "Exit code 130" in terminal.text.replace("\r\n", " "))
    records = [line.split(": ", 1)[0] for line in job.log_text().splitlines() if "after" in line and "attempt" in line]
    for record in records:
        name = record.split("] ")[-1]
        assert any(name in line for line in terminal.lines()), record


def test_run_ends_while_its_terminal_is_held(org, job, terminal):
    """Ctrl-S holds what is shown, not the run: files and summary are there, and the table comes with Ctrl-Q."""
    org.set_rules({"report": SLOW, "action": "delay", "seconds": 2})
    job.for_org(org, *REPORTS, workers={"count": 1})
    process = start(job, terminal, "--log-level", "DEBUG")
    assert org.requests.wait_for(lambda log: log.records("export"), timeout_s=PATIENCE_S)
    terminal.hold()
    wait_until((job.output / "summary_report.json").exists)
    assert job.summary()["run"]["exit_code"] == 0
    assert "Exit code 0" not in terminal.text

    terminal.resume()
    assert process.wait(PATIENCE_S) == 0
    wait_until(lambda: "Exit code 0" in terminal.lines()[-1])
    assert [line for line in terminal.lines() if line.startswith("saved ")]


def test_run_whose_table_goes_elsewhere_ends_while_its_terminal_is_held(org, job, terminal):
    """Nothing but the terminal waits for the terminal."""
    stdout = os.open(job.directory / "table", os.O_WRONLY | os.O_CREAT)
    job.for_org(org, *REPORTS, workers={"count": 1})
    terminal.hold()
    process = start(job, terminal, "--log-level", "DEBUG", stdout=stdout)
    os.close(stdout)

    assert process.wait(PATIENCE_S) == 0
    assert "Exit code 0" in (job.directory / "table").read_text()


@pytest.mark.parametrize("signals", [1, 2])
def test_signals_end_the_run_while_its_terminal_is_held(org, job, terminal, signals):
    """Nobody has to find the terminal and press Ctrl-Q first."""
    stalled(org, job)
    process = start(job, terminal, "--log-level", "DEBUG")
    wait_until(lambda: is_in_flight(org))
    terminal.hold()
    for _ in range(signals):
        process.send_signal(signal.SIGTERM)

    assert process.wait(PATIENCE_S) == 143
    assert job.summary()["run"]["exit_code"] == 143


def test_run_continues_when_its_terminal_has_gone(org, job, terminal):
    """A window that is closed takes its text along, not the reports."""
    org.set_rules({"report": SLOW, "action": "delay", "seconds": 1})
    job.for_org(org, *REPORTS, workers={"count": 1})
    process = start(job, terminal, "--log-level", "DEBUG")
    assert org.requests.wait_for(lambda log: log.records("export"), timeout_s=PATIENCE_S)
    terminal.hang_up()

    assert process.wait(PATIENCE_S) == 0
    assert job.summary()["run"]["saved"] == 3


@pytest.mark.parametrize(
    ("environ", "escapes"), [({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, True)], ids=str
)
def test_colours_are_for_terminals_that_allow_them(org, job, terminal, environ, escapes):
    """NO_COLOR leaves the display without its colours, a dumb terminal gets neither colours nor a display."""
    stalled(org, job)
    process = start(job, terminal, **environ)
    wait_until(lambda: is_in_flight(org))
    if "TERM" not in environ:
        wait_until(lambda: SLOW in terminal.text)
    process.send_signal(signal.SIGTERM)
    process.wait(PATIENCE_S)
    wait_until(lambda: "Exit code 143" in terminal.text.replace("\r\n", " "))

    assert ("\x1b[36mdownloading" in terminal.text or "\x1b[33mwaiting" in terminal.text) is escapes
    assert ("\x1b[" in terminal.text) is (environ.get("TERM") != "dumb")
