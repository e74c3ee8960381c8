"""The fetch schedule: order, delay, concurrency, closing."""

import threading
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.model import Baseline, Report
from sfr.runner.schedule import Concurrency, FetchSchedule, FetchTask


def make_task(position=0, expected_s=None):
    """A task for the report at this position."""
    report = Report(position, "SFDC", f"report-{position}", "00OE0000002wlroMAA", "/nowhere", "?export=1")
    baseline = None if expected_s is None else Baseline(None, None, None, None, None, expected_s)
    return FetchTask(report, attempt=1, baseline=baseline)


class Clock:
    """A clock that does not advance until it is set."""

    def __init__(self):
        self.now_s = 1000.0
        self.readings = 0

    def __call__(self):
        self.readings += 1
        return self.now_s

    def wait_for_readings(self, count):
        """Until the schedule has read the clock this many times more."""
        self.wait_until_read(self.readings + count)

    def wait_until_read(self, times):
        """Until the schedule has read the clock this many times in all."""
        end_s = time.monotonic() + 30
        while self.readings < times:
            assert time.monotonic() < end_s
            time.sleep(0.001)


class Sleepless(FetchSchedule):
    """Looks again all the time: what it does not hand out then, it never will."""

    MAX_SLEEP_S = 0.001


class Sleepy(FetchSchedule):
    """Never wakes up by itself during a test, only when notified."""

    MAX_SLEEP_S = 3600.0


def start_taking(schedule):
    """A thread that waits for one task, and the list that it goes to."""
    taken = []
    thread = threading.Thread(target=lambda: taken.append(schedule.take()), daemon=True)
    thread.start()
    return thread, taken


def test_first_task_of_a_report_knows_its_way_and_how_long_it_took_last_time():
    """`auto` begins with `classic`; a first run has no past."""
    report = make_task().report
    baseline = Baseline(1, None, "classic", 1, 1, duration_s=2.5)

    assert FetchTask.first(report, baseline) == FetchTask(report, 1, baseline, route="classic")
    assert FetchTask.first(report, baseline).expected_s == 2.5
    assert FetchTask.first(replace(report, route="analytics"), None) == FetchTask(
        report=replace(report, route="analytics"), attempt=1, route="analytics"
    )


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


def test_schedule_gives_the_tasks_left_once_whether_they_were_due_or_not():
    """Each of them ends one report."""
    schedule = FetchSchedule(threads=1, clock=Clock())
    for position, wait_s in enumerate([0, 0, 10]):
        schedule.put(make_task(position), wait_s)
    schedule.take()

    assert [1, 2] == [task.report.position for task in schedule.close()]
    assert [] == schedule.close()


def test_schedule_drops_tasks_when_it_is_closed():
    """A closed schedule hands nothing out, whatever is put in later."""
    schedule = FetchSchedule(threads=1)
    schedule.close()

    schedule.put(make_task())

    assert schedule.take() is None
    assert schedule.close() == []


def test_schedule_hands_out_nothing_while_it_is_paused():
    """What has just been learnt may concern every report: each hold waits for its own release."""
    clock = Clock()
    schedule = Sleepless(threads=2, clock=clock)
    schedule.put(make_task(1))
    schedule.pause()
    schedule.pause()
    thread, taken = start_taking(schedule)
    for _ in range(2):
        clock.wait_for_readings(3)
        assert [] == taken
        schedule.resume()
    thread.join(timeout=30)

    assert [1] == [task.report.position for task in taken]


def test_schedule_hands_out_no_more_than_may_run_at_once():
    """The second task waits until the first one's place is given back."""
    clock = Clock()
    schedule = Sleepless(threads=1, clock=clock)
    schedule.put(make_task(1))
    schedule.put(make_task(2))
    schedule.take()
    thread, taken = start_taking(schedule)
    clock.wait_for_readings(3)
    assert [] == taken

    schedule.task_done(clock.now_s, was_rate_limited=False, was_success=False)
    thread.join(timeout=30)
    schedule.put(make_task(3))
    _, taken_later = start_taking(schedule)
    clock.wait_for_readings(3)

    assert [2] == [task.report.position for task in taken]
    assert [] == taken_later
    schedule.close()


@pytest.mark.parametrize("event", ["a task", "a place", "a release", "the end"])
def test_schedule_wakes_a_waiting_thread_by_every_event_that_concerns_it(event):
    """A thread that looked again only now and then would fetch one report a second."""
    clock = Clock()
    schedule = Sleepy(threads=1, clock=clock)
    if event == "a place":
        schedule.put(make_task(1))
        schedule.take()
    if event in ("a place", "a release"):
        schedule.put(make_task(2))
    if event == "a release":
        schedule.pause()
    looked = clock.readings
    thread, taken = start_taking(schedule)
    clock.wait_until_read(looked + 1)
    events = {
        "a task": lambda: schedule.put(make_task(2)),
        "a place": lambda: schedule.task_done(clock.now_s, was_rate_limited=False, was_success=True),
        "a release": schedule.resume,
        "the end": schedule.close,
    }
    events[event]()
    thread.join(timeout=30)

    assert not thread.is_alive()
    assert [None if event == "the end" else 2] == [task and task.report.position for task in taken]


def test_schedule_wakes_by_itself_when_the_first_task_becomes_due():
    """Not earlier than it was put for, without anybody's call, and asleep until then."""
    readings = []
    schedule = Sleepy(threads=1, clock=lambda: readings.append(time.monotonic()) or readings[-1])
    due_clock_s = time.monotonic() + 0.05
    schedule.put(make_task(2), wait_s=3600)
    schedule.put(make_task(1), wait_s=0.05)
    thread, taken = start_taking(schedule)
    thread.join(timeout=30)

    assert [1] == [task.report.position for task in taken]
    assert readings[-1] >= due_clock_s
    assert len(readings) <= 20


def test_schedule_looks_again_within_its_bound_when_the_next_task_is_far_off():
    """A clock that jumps (a machine that slept) delays no task that is due by it."""
    clock = Clock()
    schedule = Sleepless(threads=1, clock=clock)
    schedule.put(make_task(1), wait_s=3600)
    thread, taken = start_taking(schedule)
    clock.wait_for_readings(2)
    clock.now_s += 3600
    thread.join(timeout=30)

    assert [1] == [task.report.position for task in taken]


def test_schedule_halves_concurrency_when_the_org_limits_the_rate():
    """Of eight at once, four may run after the first rate-limit answer."""
    clock = Clock()
    schedule = FetchSchedule(threads=8, clock=clock)
    for position in range(8):
        schedule.put(make_task(position))
        schedule.take()

    schedule.task_done(clock.now_s, was_rate_limited=True, was_success=False)

    assert schedule.concurrency == 4


def test_schedule_restores_concurrency_only_by_successes():
    """A report that failed otherwise says nothing of what the org bears, in neither direction."""
    clock = Clock()
    schedule = FetchSchedule(threads=2, clock=clock)
    outcomes = [(True, False), (False, False), (False, True), (False, False)]
    allowed = []
    for was_rate_limited, was_success in outcomes:
        schedule.put(make_task())
        schedule.take()
        clock.now_s += 1
        schedule.task_done(clock.now_s, was_rate_limited=was_rate_limited, was_success=was_success)
        allowed.append(schedule.concurrency)

    assert [1, 1, 2, 2] == allowed


def test_concurrency_halves_once_for_the_answers_of_one_burst():
    """Requests that left before the halving say nothing about the concurrency after it."""
    concurrency = Concurrency(8)
    for _ in range(5):
        concurrency.note_rate_limited(started_clock_s=10.0, in_use=8, now_s=11.0)

    assert concurrency.limit == 4


def test_concurrency_halves_what_was_in_use_when_that_was_less_than_allowed():
    """Four at once were too many already."""
    concurrency = Concurrency(8)
    concurrency.note_rate_limited(started_clock_s=10.0, in_use=4, now_s=11.0)

    assert concurrency.limit == 2


def test_concurrency_halves_again_for_a_request_that_left_at_the_halving_or_later():
    """It found the org still too busy."""
    concurrency = Concurrency(8)
    concurrency.note_rate_limited(started_clock_s=10.0, in_use=8, now_s=11.0)
    concurrency.note_rate_limited(started_clock_s=11.0, in_use=4, now_s=12.0)

    assert concurrency.limit == 2


@pytest.mark.parametrize(("limit", "successes"), [(1, 1), (4, 5), (8, 9)])
def test_concurrency_allows_one_more_after_about_as_many_successes_as_may_run(limit, successes):
    """Rounded up, since each adds a little less than the one before."""
    concurrency = Concurrency(2 * limit)
    concurrency.note_rate_limited(started_clock_s=0.0, in_use=2 * limit, now_s=0.0)
    limits = []
    for _ in range(successes):
        limits.append(concurrency.limit)
        concurrency.note_success()

    assert {limit} == set(limits)
    assert concurrency.limit == limit + 1


def test_concurrency_never_falls_below_one_and_comes_back_by_successes():
    """Additive increase, multiplicative decrease, between 1 and the configured threads."""
    concurrency = Concurrency(4)
    for moment in range(10):
        concurrency.note_rate_limited(started_clock_s=float(moment), in_use=1, now_s=float(moment))
    lowest = concurrency.limit
    concurrency.note_success()
    after_one = concurrency.limit
    for _ in range(100):
        concurrency.note_success()

    assert (1, 2, 4) == (lowest, after_one, concurrency.limit)


def test_schedule_hands_out_one_workbook_at_a_time_and_holds_up_nothing_else():
    """A second workbook waits for the first one without keeping a thread; other reports pass it by."""
    clock = Clock()
    schedule = Sleepless(threads=4, clock=clock)
    for position, route in enumerate(("excel", "excel", "excel", "classic", "analytics")):
        schedule.put(replace(make_task(position), route=route))

    taken = [schedule.take().report.position for _ in range(3)]
    thread, later = start_taking(schedule)
    clock.wait_for_readings(3)
    assert (taken, later) == ([0, 3, 4], [])

    schedule.task_done(clock.now_s, was_rate_limited=False, was_success=True, route="classic")
    clock.wait_for_readings(3)
    assert later == []
    schedule.task_done(clock.now_s, was_rate_limited=False, was_success=True, route="excel")
    thread.join(timeout=30)

    assert [task.report.position for task in later] == [1]
    assert [task.report.position for task in schedule.close()] == [2]
