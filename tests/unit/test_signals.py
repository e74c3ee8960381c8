"""Stop signals before the program has its handlers, and after it has put them back: a code, and no traceback."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sfr.fleet.org_process import OrgProcess
from sfr.signals import STOP_SIGNALS, blocked, exit_code

pytestmark = pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX signals")

SCRIPT = Path(__file__).parents[2] / "sfr.py"
LIMIT_S = 60
CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)]


@pytest.fixture(autouse=True)
def children_as_in_a_terminal():
    """No signal is ignored in them, even if the tests were started with `nohup`."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    for number, action in before.items():
        if action is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    yield
    for number, action in before.items():
        signal.signal(number, action)


def ended(*lines):
    """Exit code and standard error of a program of these lines."""
    program = "\n".join(["import atexit, os, signal", "from sfr.signals import end_at_stop_signals", *lines])
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize(("number", "code"), CODES)
def test_signal_ends_a_process_with_its_code_when_it_was_blocked_at_the_start(number, code):
    """It waits until the program unblocks it, which is before anything that takes time."""
    with blocked():
        process = subprocess.Popen([sys.executable, str(SCRIPT), "--version"], stderr=subprocess.PIPE, text=True)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=LIMIT_S)

    assert (process.returncode, stderr) == (code, "")


@pytest.mark.parametrize(("number", "code"), CODES)
def test_org_that_is_stopped_before_its_program_has_begun_ends_with_the_code(number, code, capsys):
    """Its row shows no bug (1), and the fleet's terminal no traceback."""
    process = OrgProcess("acme", [sys.executable, "-P", "-m", "sfr", "--version"], stop_grace_s=0)
    process.stop(number)
    process.read_to_end()
    process.close()

    assert (process.exit_code, process.stderr) == (code, b"")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("number", "code"), CODES)
def test_signal_ends_a_program_with_its_code_when_its_work_is_done(number, code):
    """Python's own default is a traceback for SIGINT, and another code for SIGHUP."""
    send = f"atexit.register(os.kill, os.getpid(), {number:d})"

    assert ended("end_at_stop_signals()", send) == (code, "")


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_signal_is_ignored_while_the_interpreter_ends(number):
    """Its exit code is known by then. What was registered first is called last."""
    send = f"atexit.register(os.kill, os.getpid(), {number:d})"

    assert ended(send, "end_at_stop_signals()", "raise SystemExit(4)") == (4, "")


def test_hangup_that_was_ignored_at_the_start_stays_ignored():
    """`nohup sfr …`."""
    ignore, send = "signal.signal(signal.SIGHUP, signal.SIG_IGN)", "os.kill(os.getpid(), signal.SIGHUP)"

    assert ended(ignore, "end_at_stop_signals()", send) == (0, "")


def test_signals_are_blocked_for_the_time_of_the_block_only():
    """Whatever the mask was before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with blocked({signal.SIGHUP}):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before | {signal.SIGHUP}
        with blocked():
            assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before | set(STOP_SIGNALS)
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_every_stop_signal_but_sigint_has_the_code_of_sigterm():
    """130 or 143, as the contract has it."""
    assert {number: exit_code(number) for number in STOP_SIGNALS} == dict(CODES)
