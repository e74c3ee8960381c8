"""The inbox of the main thread: what it hands out at once."""

import threading

from sfr.runner.events import Inbox, StopRequested

LIMIT_S = 30.0


def filled(count):
    """An inbox with `count` events unread."""
    inbox = Inbox()
    for number in range(count):
        inbox.post(StopRequested(number))
    return inbox


def test_inbox_hands_out_all_that_is_there_in_the_order_of_posting():
    """After a suspension everything that happened meanwhile is handled before anything is judged."""
    inbox = filled(3)

    assert inbox.unread() == 3
    assert inbox.take(LIMIT_S) == [StopRequested(number) for number in range(3)]
    assert inbox.take(0.0) == []


def test_inbox_waits_for_the_first_event_only():
    """One event ends the wait; what comes later is for the next time."""
    inbox = Inbox()
    poster = threading.Thread(target=inbox.post, args=(StopRequested(1),))
    poster.start()

    assert inbox.take(LIMIT_S) == [StopRequested(1)]
    poster.join(LIMIT_S)
