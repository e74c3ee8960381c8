"""sfr.programs: a user's program with bounded output; timeout, stop and start are tested with `sid.command`."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from sfr.programs import OutputLimitError, run_program
from tests.sfr_program import SCRIPT, still_running
from tests.waiting import wait_until

CHATTY = [sys.executable, "-c", "import sys; sys.stdout.write('x' * 300_000 + 'end'); sys.stdout.flush()"]


def test_program_keeps_the_end_of_long_output_when_configured():
    """However much it prints, memory is bounded and its exit code counts."""
    outcome = run_program(CHATTY, timeout_s=30, max_output_bytes=10, keep_tail=True)

    assert (outcome.exit_code, outcome.output) == (0, "x" * 7 + "end")


def test_program_is_killed_when_it_prints_too_much():
    """Without `keep_tail` long output is an error."""
    with pytest.raises(OutputLimitError, match="more than 10 bytes"):
        run_program(CHATTY, timeout_s=30, max_output_bytes=10)


@pytest.mark.parametrize(("with_stderr", "expected"), [(True, "a\nb\n"), (False, "a\n")])
def test_program_output_includes_standard_error_only_when_configured(with_stderr, expected):
    """In the order in which it was printed."""
    argv = ["sh", "-c", "echo a; echo b >&2"]

    assert run_program(argv, timeout_s=30, max_output_bytes=100, with_stderr=with_stderr).output == expected


def test_program_gets_no_input():
    """One that reads its standard input sees the end of it."""
    assert run_program(["cat"], timeout_s=30, max_output_bytes=100).output == ""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell to watch on Windows")
def test_program_ends_with_a_process_that_is_killed(tmp_path):
    """With its own children: nobody enforces its time limit any more. `kill -9` gives no chance to say so."""
    script = f"sleep 60 & echo $$ $! > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/started; wait"
    code = (
        f"from sfr.programs import run_program; run_program(['sh', '-c', {script!r}], timeout_s=60, max_output_bytes=1)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=SCRIPT.parent)
    try:
        wait_until((tmp_path / "started").exists)
        family = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()

    assert {int(pid) for pid in (tmp_path / "started").read_text().split()} <= {each.pid for each in family}
    assert not still_running(family, 10)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no shell to watch on Windows")
def test_program_that_has_ended_leaves_no_process_of_ours_behind():
    """What it started itself stays (an agent): the end of this process is no longer its end."""
    code = (
        "import psutil; from sfr.programs import run_program;"
        "print(run_program(['sh', '-c', 'sleep 60 >&- & echo $!'], timeout_s=60, max_output_bytes=99).output.strip(),"
        "len(psutil.Process().children()))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=SCRIPT.parent, capture_output=True, text=True, check=True)
    agent, children = map(int, done.stdout.split())
    agent_process = psutil.Process(agent)
    try:
        assert children == 0
        assert agent_process.is_running()
    finally:
        agent_process.kill()
