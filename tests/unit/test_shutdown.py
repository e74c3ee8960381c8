"""Stop signals: an event for whoever takes them, else the end of what is being done."""

import os
import signal
import threading

import pytest

from sfr.runner.stop_signals import Stopped, stop_signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")


def send(number):
    """Send this process a signal; its handler has run when this returns."""
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def signals_as_in_a_terminal():
    """None is ignored, even if the tests were started with `nohup` or in the background of a script."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)], ids=["INT", "TERM", "HUP"]
)
def test_signal_that_is_not_intercepted_ends_the_current_step(number, code):
    """It knows the exit code, and passes whoever catches `Exception`."""
    with stop_signals(), pytest.raises(Stopped) as caught:
        send(number)
    assert caught.value.exit_code == code
    assert not isinstance(caught.value, Exception)


def test_signals_are_events_until_there_are_too_many():
    """A main loop that hangs reads no inbox: the next signal ends it."""
    taken = []
    with stop_signals() as signals, signals.intercepted(2, taken.append):
        send(signal.SIGINT)
        send(signal.SIGTERM)
        with pytest.raises(Stopped):
            send(signal.SIGTERM)
    assert taken == [signal.SIGINT, signal.SIGTERM]


def test_signals_raise_again_after_the_block_that_took_them():
    """Each block has a count of its own."""
    with stop_signals() as signals:
        with signals.intercepted(1):
            send(signal.SIGINT)
        with pytest.raises(Stopped):
            send(signal.SIGINT)


def test_postponed_signal_raises_at_the_end_of_the_block():
    """What was begun is finished first."""
    done = []

    def begin(signals):
        with signals.deferred():
            send(signal.SIGTERM)
            done.append(True)

    with stop_signals() as signals, pytest.raises(Stopped):
        begin(signals)
    assert done == [True]


def test_second_signal_does_not_wait_for_the_end_of_the_block():
    """A block that hangs is ended."""

    def hang(signals):
        with signals.deferred():
            send(signal.SIGTERM)
            send(signal.SIGTERM)
            pytest.fail("the second signal was lost")

    with stop_signals() as signals, pytest.raises(Stopped):
        hang(signals)


def test_signal_that_came_before_is_not_lost():
    """Between two blocks, and before the first."""
    with stop_signals() as signals, signals.intercepted(1):
        send(signal.SIGTERM)
        with pytest.raises(Stopped), signals.raising():
            pytest.fail("the signal was lost")


def test_former_handlers_are_restored():
    """SFR may run inside somebody's program."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    with stop_signals():
        assert [signal.getsignal(number) for number in numbers] != before
    assert [signal.getsignal(number) for number in numbers] == before


def test_hangup_stays_ignored_when_it_was():
    """`nohup`."""
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


def test_no_handler_is_installed_off_the_main_thread():
    """Python allows none there; the caller's stay."""
    before, seen = signal.getsignal(signal.SIGTERM), []

    def look():
        with stop_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
