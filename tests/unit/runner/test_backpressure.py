"""Backpressure: the bounded backlog, memory for inline bodies, and the throttle of fetch threads."""

import threading
import time

import pytest

from sfr.runner import backpressure
from sfr.runner.backpressure import BACKLOG_THRESHOLD, EVENTS_THRESHOLD, InlineMemory, PayloadSlots, Throttle

LIMIT_S = 30.0


def running():
    """The run has not been stopped."""
    return False


@pytest.fixture
def unbounded(monkeypatch):
    """A throttle that ends only for its reason."""
    monkeypatch.setattr(backpressure, "THROTTLE_MAX_S", float("inf"))


def throttle(unread, slots=None):
    """A throttle over a main thread with `unread` events (a list of one number) and these slots."""
    return Throttle(lambda: unread[0], slots or PayloadSlots(0))


def in_thread(target, *arguments):
    """A started thread."""
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread


@pytest.mark.usefixtures("unbounded")
def test_throttle_does_not_wait_while_the_main_thread_keeps_up():
    """At the threshold itself nothing waits."""
    throttle([EVENTS_THRESHOLD]).wait(running)


@pytest.mark.usefixtures("unbounded")
def test_throttle_waits_until_the_main_thread_has_caught_up():
    """It ends as soon as the events are read."""
    unread = [EVENTS_THRESHOLD + 1]
    waiting = in_thread(throttle(unread).wait, running)
    waiting.join(0.05)
    assert waiting.is_alive()

    unread[0] = 0
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()


@pytest.mark.usefixtures("unbounded")
def test_throttle_waits_while_the_workers_are_behind():
    """Payloads take memory until they are written, even if the main thread keeps up."""
    slots = PayloadSlots(0)
    for _ in range(BACKLOG_THRESHOLD + 1):
        slots.acquire(running)
    waiting = in_thread(throttle([0], slots).wait, running)
    waiting.join(0.05)
    assert waiting.is_alive()

    slots.release()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()


@pytest.mark.usefixtures("unbounded")
def test_throttle_ends_when_the_run_stops():
    """A stop ends this wait like any other."""
    throttle([EVENTS_THRESHOLD + 1]).wait(lambda: True)


def test_throttle_ends_after_its_maximum_when_nothing_moves(monkeypatch):
    """No wait is without a bound."""
    monkeypatch.setattr(backpressure, "THROTTLE_MAX_S", 0.05)
    began = time.monotonic()

    throttle([EVENTS_THRESHOLD + 1]).wait(running)

    assert time.monotonic() - began >= 0.05


def test_slots_make_a_thread_wait_when_all_are_taken():
    """`workers.queue_size`: a slot is free again once a worker has taken its payload."""
    slots = PayloadSlots(1)
    assert slots.acquire(running)
    waiting = in_thread(slots.acquire, running)
    waiting.join(0.05)
    assert waiting.is_alive()

    slots.release()
    waiting.join(LIMIT_S)
    assert not waiting.is_alive()
    assert slots.waiting == 1


def test_slots_give_up_when_the_run_stops():
    """The thread learns that its payload is not wanted any more."""
    slots = PayloadSlots(1)
    slots.acquire(running)

    assert not slots.acquire(lambda: True)
    assert slots.waiting == 1


def test_slots_are_unlimited_when_the_queue_size_is_0():
    """The default: they are counted and never waited for."""
    slots = PayloadSlots(0)

    assert all(slots.acquire(running) for _ in range(1000))
    assert slots.waiting == 1000


def test_inline_memory_is_never_exceeded_and_can_be_used_again():
    """What does not fit is spooled; released memory is free again."""
    memory = InlineMemory(10)

    assert memory.reserve(10)
    assert not memory.reserve(1)
    memory.release(10)
    assert memory.reserve(10)
