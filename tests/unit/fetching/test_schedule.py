"""The fetch schedule: order, delay, concurrency, closing."""

import threading

from hypothesis import given
from hypothesis import strategies as st

from sfr.fetching.schedule import Concurrency, FetchSchedule, FetchTask
from sfr.model import Report


def make_task(position=0, expected_s=None):
    """A task for the report at this position."""
    report = Report(position, "SFDC", f"report-{position}", "00OE0000002wlroMAA", "/nowhere", "?export=1")
    return FetchTask(report, attempt=1, expected_s=expected_s)


class Clock:
    """A clock that stands still until it is told the time."""

    def __init__(self):
        self.now_s = 1000.0

    def __call__(self):
        return self.now_s


@given(st.lists(st.one_of(st.none(), st.floats(0, 1000))))
def test_schedule_hands_out_the_longest_first_and_unknown_ones_before_all(expectations):
    """Unknown durations count as long; equal ones keep the list's order."""
    schedule = FetchSchedule(threads=len(expectations) + 1, clock=Clock())
    for position, expected_s in enumerate(expectations):
        schedule.put(make_task(position, expected_s))

    taken = [schedule.take().report.position for _ in expectations]

    def rank(position):
        expected_s = expectations[position]
        return (float("-inf") if expected_s is None else -expected_s, position)

    assert sorted(range(len(expectations)), key=rank) == taken


def test_schedule_holds_a_task_back_until_its_time_has_come():
    """A task that waits for its next attempt does not keep others waiting, however urgent."""
    clock = Clock()
    schedule = FetchSchedule(threads=5, clock=clock)
    schedule.put(make_task(1), wait_s=10)
    schedule.put(make_task(2, expected_s=0.1))

    first = schedule.take()
    clock.now_s += 10
    second = schedule.take()

    assert [2, 1] == [first.report.position, second.report.position]


def test_schedule_gives_none_and_the_tasks_left_when_closed():
    """Threads that wait are released; whoever closes learns what was never handed out."""
    schedule = FetchSchedule(threads=1)
    schedule.put(make_task(1), wait_s=1000)
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(schedule.take()))
    waiting.start()

    left = schedule.close()
    waiting.join(timeout=10)

    assert [None] == taken
    assert [1] == [task.report.position for task in left]


def test_schedule_drops_tasks_when_it_is_closed():
    """A closed schedule hands nothing out, whatever is put in later."""
    schedule = FetchSchedule(threads=1)
    schedule.close()

    schedule.put(make_task())

    assert schedule.take() is None


def test_schedule_halves_the_tasks_at_once_when_the_org_says_rate_limited():
    """Of eight at once, four may run after the first rate-limit answer."""
    clock = Clock()
    schedule = FetchSchedule(threads=8, clock=clock)
    for position in range(8):
        schedule.put(make_task(position))
        schedule.take()

    schedule.give_back(clock.now_s, was_rate_limited=True, was_success=False)

    assert schedule.concurrency == 4


def test_concurrency_halves_once_for_the_answers_of_one_burst():
    """Requests that left before the halving say nothing about the concurrency after it."""
    concurrency = Concurrency(8)
    for _ in range(5):
        concurrency.note_rate_limited(started_clock_s=10.0, in_use=8, now_s=11.0)

    assert concurrency.limit == 4


def test_concurrency_never_falls_below_one_and_comes_back_by_successes():
    """Additive increase, multiplicative decrease, between 1 and the configured threads."""
    concurrency = Concurrency(4)
    for moment in range(10):
        concurrency.note_rate_limited(started_clock_s=float(moment), in_use=1, now_s=float(moment))
    lowest = concurrency.limit
    for _ in range(100):
        concurrency.note_success()

    assert (1, 4) == (lowest, concurrency.limit)
