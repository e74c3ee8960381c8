"""The inbox of the main thread: what it hands out at once, and when fetch threads give way to its reader."""

import threading
import time

from sfr.run import inbox as module
from sfr.run.inbox import MOST_UNREAD, Inbox, StopRequested

LIMIT_S = 30.0


def no():
    """Neither stopped nor behind."""
    return False


def filled(count):
    """An inbox with so many events unread."""
    inbox = Inbox()
    for number in range(count):
        inbox.post(StopRequested(number))
    return inbox


def test_inbox_hands_out_all_that_is_there_in_the_order_of_posting():
    """After a standstill everything that happened meanwhile is heard before anything is judged."""
    inbox = filled(3)

    assert inbox.take(LIMIT_S) == [StopRequested(number) for number in range(3)]
    assert inbox.take(0.0) == []


def test_inbox_waits_for_the_first_event_only():
    """One event ends the wait; what comes later is for the next time."""
    inbox = Inbox()
    poster = threading.Thread(target=inbox.post, args=(StopRequested(1),))
    poster.start()

    assert inbox.take(LIMIT_S) == [StopRequested(1)]
    poster.join(LIMIT_S)


def test_inbox_lets_a_fetch_thread_go_on_while_little_is_unread(monkeypatch):
    """Nobody waits for a main thread that keeps up."""
    monkeypatch.setattr(module, "LONGEST_GIVING_WAY_S", float("inf"))

    filled(MOST_UNREAD).give_way(no, no)


def test_inbox_makes_a_fetch_thread_wait_until_the_main_thread_has_caught_up(monkeypatch):
    """It goes on as soon as what lies there has been read."""
    monkeypatch.setattr(module, "LONGEST_GIVING_WAY_S", float("inf"))
    inbox = filled(MOST_UNREAD + 1)
    waiting = threading.Thread(target=inbox.give_way, args=(no, no), daemon=True)
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive()

    inbox.take(LIMIT_S)
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()


def test_inbox_makes_a_fetch_thread_wait_while_the_workers_are_behind(monkeypatch):
    """What has arrived takes memory until it is written, even if the main thread has read of it."""
    monkeypatch.setattr(module, "LONGEST_GIVING_WAY_S", float("inf"))
    answers = iter([True, True, False])

    Inbox().give_way(no, lambda: next(answers))

    assert list(answers) == []


def test_inbox_lets_a_fetch_thread_go_on_when_the_run_stops(monkeypatch):
    """A stop ends this wait like any other, however much is unread."""
    monkeypatch.setattr(module, "LONGEST_GIVING_WAY_S", float("inf"))

    filled(MOST_UNREAD + 1).give_way(lambda: True, no)


def test_inbox_lets_a_fetch_thread_go_on_in_the_end_when_nobody_reads(monkeypatch):
    """No wait is without a bound."""
    monkeypatch.setattr(module, "LONGEST_GIVING_WAY_S", 0.05)
    began = time.monotonic()

    filled(MOST_UNREAD + 1).give_way(no, no)

    assert time.monotonic() - began >= 0.05
