"""The inbox of a thread: what it hands out at once, and that every wait at it ends."""

import signal
import threading
import time

import pytest

from sfr.inbox import Inbox

LIMIT_S = 30.0


def filled(count):
    """An inbox with `count` items unread."""
    inbox = Inbox()
    for number in range(count):
        inbox.post(number)
    return inbox


@pytest.fixture
def on_alarm():
    """Sets what SIGALRM does, and when it comes."""

    def set_alarm(handler, after_s):
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, after_s)

    before = signal.getsignal(signal.SIGALRM)
    try:
        yield set_alarm
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_inbox_hands_out_all_that_is_there_in_the_order_of_posting():
    """After a suspension everything that happened meanwhile is handled before anything is judged."""
    inbox = filled(3)

    assert inbox.unread() == 3
    assert inbox.take(LIMIT_S) == [0, 1, 2]
    assert inbox.take(0.0) == []


def test_inbox_waits_for_the_first_item_only():
    """One item ends the wait; what comes later is for the next time."""
    inbox, begun = Inbox(), time.monotonic()
    poster = threading.Timer(0.05, inbox.post, args=(1,))
    poster.start()

    assert inbox.take(LIMIT_S) == [1]
    assert time.monotonic() - begun < LIMIT_S / 2
    poster.join(LIMIT_S)


def test_inbox_waits_again_after_a_burst():
    """Items that were handed out together do not end the next wait."""
    inbox = filled(3)
    inbox.take(LIMIT_S)
    begun, used_s = time.monotonic(), time.thread_time()

    assert inbox.take(0.2) == []
    assert time.monotonic() - begun >= 0.2
    assert time.thread_time() - used_s < 0.05  # it sleeps


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX")
def test_wait_ends_when_a_signal_is_handled_beyond_its_timeout(on_alarm):
    """What a stop signal posts must not wait for the next item: none may ever come."""
    handled, rescue = threading.Event(), Inbox()

    def handle(*_):
        handled.set()
        threading.Event().wait(0.2)

    inbox = Inbox()
    guard = threading.Timer(LIMIT_S, lambda: (rescue.post(1), inbox.post(1)))
    guard.start()
    on_alarm(handle, 0.05)
    try:
        assert inbox.take(0.1) == []
    finally:
        guard.cancel()
    assert handled.is_set()
    assert not rescue.unread()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs POSIX")
def test_item_that_a_signal_handler_posts_ends_the_wait(on_alarm):
    """As a stop signal does."""
    inbox, begun = Inbox(), time.monotonic()
    on_alarm(lambda *_: inbox.post("stop"), 0.05)

    assert inbox.take(LIMIT_S) == ["stop"]
    assert time.monotonic() - begun < LIMIT_S / 2


def test_nothing_is_lost_when_several_threads_post():
    """Every item is handed out once, those of one thread in their order."""
    inbox, count = Inbox(), 2_000
    posters = [threading.Thread(target=lambda n=n: [inbox.post((n, i)) for i in range(count)]) for n in range(3)]
    for poster in posters:
        poster.start()
    taken = []
    while len(taken) < 3 * count and (found := inbox.take(LIMIT_S)):
        taken += found
    for poster in posters:
        poster.join(LIMIT_S)

    for n in range(3):
        assert [i for m, i in taken if m == n] == list(range(count))
