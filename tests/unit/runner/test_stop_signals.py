"""Stop signals: who takes them, and when the next one raises. Real signals, sent to this process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import weakref

import pytest

from sfr.inbox import Inbox
from sfr.runner.stop_signals import Stopped, StopSignals, stop_signals

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX signals")

LIMIT_S = 30


def send(number: int = signal.SIGTERM) -> None:
    """Python runs the handler before this returns."""
    os.kill(os.getpid(), number)


def test_third_signal_raises_when_the_run_takes_two():
    """What the main loop does not come to handle ends by `Stopped` wherever the main thread is."""
    taken: list[int] = []
    with stop_signals() as signals, signals.intercepted(2, taken.append):
        send(signal.SIGINT)
        send(signal.SIGTERM)
        with pytest.raises(Stopped) as raised:
            send(signal.SIGTERM)

    assert taken == [signal.SIGINT, signal.SIGTERM]
    assert raised.value.exit_code == 143


@pytest.mark.parametrize(("number", "counted"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_signal_raises_at_once_when_nobody_takes_it(number, counted):
    """Before a run's main loop; a closed terminal counts as SIGTERM."""
    with stop_signals(), pytest.raises(Stopped) as raised:
        send(number)

    assert raised.value.exit_code == counted


def test_signal_that_was_ignored_raises_where_signals_raise_again():
    """One that came while it could be postponed is not forgotten."""
    with stop_signals() as signals:
        with signals.intercepted(1):
            send(signal.SIGINT)
        with pytest.raises(Stopped) as raised, signals.raising():
            pytest.fail("the block must not begin")

    assert raised.value.signal_number == signal.SIGINT


def test_postponed_signal_raises_at_the_end_of_the_block():
    """Taking a lock is not torn; the second signal does not wait for it."""
    done: list[str] = []

    def lock(signals: StopSignals, times: int) -> None:
        with signals.deferred():
            for _ in range(times):
                send()
            done.append("locked")

    with stop_signals() as signals:
        with pytest.raises(Stopped):
            lock(signals, 1)
        assert done == ["locked"]
        with pytest.raises(Stopped):
            lock(signals, 2)

    assert done == ["locked"]


def test_block_that_ends_gives_the_signals_back_to_whoever_took_them_before():
    """Also when it ends by an error."""
    outer: list[int] = []
    with stop_signals() as signals, signals.intercepted(5, outer.append):
        with pytest.raises(ZeroDivisionError), signals.intercepted(1):
            raise ZeroDivisionError
        send()

    assert outer == [signal.SIGTERM]


def test_former_handlers_are_back_after_the_run():
    """A program that calls `sfr.run()` keeps its own."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with stop_signals():
        assert signal.getsignal(signal.SIGTERM) is not before[1]

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_hangup_stays_ignored_when_it_was_at_the_start():
    """`nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals():
            send(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_no_handler_is_set_off_the_main_thread():
    """Python allows none there."""
    seen: list[object] = []

    def run() -> None:
        with stop_signals() as signals:
            seen.extend([signals, signal.getsignal(signal.SIGTERM)])

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)

    assert isinstance(seen[0], StopSignals)
    assert seen[1] is before


def test_error_that_foreign_code_makes_of_a_stop_signal_counts_as_the_signal():
    """Pydantic turns whatever is raised while it builds a model's validator into an error of its own."""
    from pydantic import BaseModel

    def stopped(_source: object, _handler: object) -> object:
        try:
            send()
        except Stopped as error:
            raise TypeError(f"Error building a validator: {error}") from None
        raise AssertionError

    annotation = type("Stopping", (), {"__get_pydantic_core_schema__": staticmethod(stopped)})

    with pytest.raises(Stopped) as raised, stop_signals():
        type("Model", (BaseModel,), {"__annotations__": {"value": annotation}})

    assert raised.value.exit_code == 143


def test_error_without_a_stop_signal_stays_what_it_is():
    """Also after a signal that was intercepted."""

    def fail():
        with stop_signals() as signals:
            with signals.intercepted(1):
                send()
            raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        fail()


class StoppedAtItsEnd:
    """Its destructor is where the handler of a signal runs."""

    def __del__(self):
        send()


class Watched:
    """Something that a weak reference can watch."""


def destroy():
    """In a destructor."""
    StoppedAtItsEnd()


def call_back():
    """In the callback of a weak reference."""
    watched = Watched()
    reference = weakref.ref(watched, lambda _: send())
    del watched
    assert reference() is None


def complain():
    """While another error that Python swallowed is reported."""

    class Failing:
        def __del__(self):
            raise ValueError("a bug")

    Failing()


@pytest.mark.parametrize("swallow", [destroy, call_back, complain])
def test_signal_is_handled_again_when_python_swallows_what_its_handler_raises(swallow, monkeypatch, capsys):
    """Nothing is printed, and no wait goes on as if there had been no signal."""
    monkeypatch.setattr(sys, "unraisablehook", lambda _unraisable: send())
    hook = sys.unraisablehook

    def stop_and_wait():
        swallow()
        threading.Event().wait(LIMIT_S)

    with pytest.raises(Stopped) as raised, stop_signals():
        stop_and_wait()

    assert raised.value.exit_code == 143
    assert capsys.readouterr().err == ""
    assert sys.unraisablehook is hook


def test_signal_that_was_swallowed_goes_to_the_one_who_takes_signals_by_then():
    """As its first: a run whose event loop has begun meanwhile stops with its grace."""
    inbox: Inbox[int] = Inbox()

    class StoppedWhenBlocked:
        def __del__(self):
            try:
                send()
            finally:
                signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])

    with stop_signals() as signals:
        StoppedWhenBlocked()
        with signals.intercepted(2, inbox.post):
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
            taken = inbox.take(LIMIT_S)

    assert taken == [signal.SIGTERM]
