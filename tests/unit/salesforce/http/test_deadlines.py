"""sfr.salesforce.http.deadlines: the limits of an exchange, on a clock of the test's own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.config.fetch_settings import Fetch
from sfr.errors import ErrorKind
from sfr.salesforce.http.deadlines import Deadline, Limits, Pace, ThroughputMonitor


class Clock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def pace_of(clock: Clock, seconds: float = 900.0) -> Pace:
    """Defaults of the contract, ending this many seconds from now."""
    return Pace(Limits(), Deadline.after(seconds, "`fetch.timeout_s` (900 s)", clock), clock)


def test_deadline_or_earlier_takes_whichever_ends_first() -> None:
    """The attempt's and the run's deadline become one."""
    attempt, run = Deadline(10.0, "attempt"), Deadline(5.0, "run")
    assert attempt.or_earlier(run) is run
    assert run.or_earlier(attempt) is run
    assert attempt.or_earlier(None) is attempt


def test_deadline_returns_the_seconds_left_and_those_overrun() -> None:
    """Whoever is late learns by how much."""
    assert (Deadline(10.0, "limit").remaining_s(7.0), Deadline(10.0, "limit").remaining_s(12.0)) == (3.0, -2.0)


def test_limits_are_those_of_the_configuration_when_none_are_given() -> None:
    """One set of defaults, wherever it is written."""
    assert Limits() == Limits(Fetch().idle_timeout_s, Fetch().min_bytes_per_s)


def test_pace_waits_for_the_deadline_alone_when_no_byte_has_come() -> None:
    """Salesforce may think for as long as timeout_s allows."""
    clock = Clock()
    pace = pace_of(clock)
    end_clock_s, error_of = pace.wait_until(clock.now)
    assert end_clock_s == 1000.0
    assert "No first byte" in error_of().message


def test_pace_ends_silence_by_the_speed_window_when_a_minimum_is_set() -> None:
    """Silence is slower than any speed: the window of 60 s is over before 300 s of idling are."""
    clock = Clock()
    pace = pace_of(clock)
    pace.note(clock.now, 10)
    end_clock_s, error_of = pace.wait_until(clock.now)
    assert end_clock_s == pytest.approx(160.0)
    assert "min_bytes_per_s" in error_of().message


def test_pace_ends_silence_by_idle_timeout_when_no_minimum_is_set() -> None:
    """min_bytes_per_s: 0 leaves idle_timeout_s."""
    clock = Clock()
    pace = Pace(Limits(min_bytes_per_s=0), Deadline.after(900, "limit", clock), clock)
    pace.note(clock.now, 10)
    end_clock_s, error_of = pace.wait_until(clock.now)
    assert end_clock_s == pytest.approx(400.0)
    assert "idle_timeout_s" in error_of().message


def test_pace_notes_the_first_byte_and_counts_no_wait_before_it() -> None:
    """A long silence before the first byte does not make the answer slow."""
    clock = Clock()
    pace = pace_of(clock)
    started_clock_s = clock.now
    clock.now += 500
    pace.note(started_clock_s, 1)
    assert pace.first_byte_clock_s == clock.now
    assert pace.wait_until(clock.now)[0] == pytest.approx(clock.now + 60)


def test_pace_counts_every_wait_after_the_first_byte() -> None:
    """Thirty seconds of silence are half of what the window allows."""
    clock = Clock()
    pace = pace_of(clock)
    pace.note(clock.now, 1)
    first_byte_clock_s = clock.now
    clock.now += 30
    pace.note(first_byte_clock_s, 1)
    assert pace.first_byte_clock_s == first_byte_clock_s
    assert pace.wait_until(clock.now)[0] == pytest.approx(clock.now + 30)


def test_pace_says_how_much_had_come_when_the_answer_was_not_complete_in_time() -> None:
    """From the amount a user sees whether more time would help."""
    clock = Clock()
    pace = pace_of(clock)
    pace.note(clock.now, 1000)
    pace.note(clock.now, 234)
    clock.now += 950
    error = pace.timed_out()
    assert error.kind is ErrorKind.TIMEOUT
    assert (
        error.message
        == "The response was not complete within `fetch.timeout_s` (900 s); 1,234 bytes had been received."
    )
    assert pace.remaining_s() == -50


@pytest.mark.parametrize(("size_bytes", "max_wait_s"), [(2999, 50.0), (3000, 59.1)])
def test_speed_watch_moves_the_window_on_when_exactly_enough_has_come(size_bytes: int, max_wait_s: float) -> None:
    """It begins with the oldest bytes that are needed; one too few leaves the window that began at the start."""
    watch = ThroughputMonitor(100, 60)
    watch.note(9.1, 3000)
    watch.note(0.9, size_bytes)
    assert watch.max_wait_s() == pytest.approx(max_wait_s)


def test_speed_watch_counts_bytes_as_of_the_latest_when_they_come_within_a_second() -> None:
    """The grain of a second is to the server's favour."""
    watch = ThroughputMonitor(100, 60)
    watch.note(9.1, 3000)
    watch.note(0.8, 3000)
    assert watch.max_wait_s() == pytest.approx(60.0)


def test_speed_watch_accepts_a_trickle_when_that_is_configured() -> None:
    """Any speed but 0 has a window."""
    assert ThroughputMonitor(0.01, 60).max_wait_s() == 60.0


def test_speed_watch_never_fires_when_no_minimum_is_set() -> None:
    """0 bytes per second: never too slow."""
    assert ThroughputMonitor(0).max_wait_s() == math.inf


def test_speed_watch_forgets_bytes_when_they_leave_the_window() -> None:
    """A quick beginning does not excuse a slow end."""
    watch = ThroughputMonitor(100, 60)
    watch.note(0.0, 1_000_000)
    watch.note(30.0, 10)
    assert watch.max_wait_s() == pytest.approx(30.0)
    watch.note(29.9, 10)
    assert watch.max_wait_s() == pytest.approx(0.1)
    watch.note(0.2, 10)
    assert watch.max_wait_s() == 0.0


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(1, 10_000)), max_size=60))
def test_speed_watch_agrees_with_the_definition(arrivals: list[tuple[float, int]]) -> None:
    """Patience is left exactly while the last window holds enough, give or take the grain of a second."""
    watch, clock_s, seen = ThroughputMonitor(100, 60), 0.0, []
    for waited_s, size_bytes in arrivals:
        watch.note(waited_s, size_bytes)
        clock_s += waited_s
        seen.append((clock_s, size_bytes))
        strictly = sum(size for at, size in seen if at > clock_s - 59)
        generously = sum(size for at, size in seen if at >= clock_s - 61)
        if strictly >= 6000:
            assert watch.max_wait_s() > 0
        if clock_s > 61 and generously < 6000:
            assert watch.max_wait_s() == 0


@pytest.mark.parametrize(
    ("waited_s", "reads", "entries"), [(0.0001, 10_000, 2), (0.001, 10_000, 11), (1.0, 1_000, 62), (0.5, 2_000, 62)]
)
def test_speed_watch_takes_little_memory_when_bytes_come_fast_or_for_long(
    waited_s: float, reads: int, entries: int
) -> None:
    """However many reads are in a second, they are one entry; seconds that left the window are none."""
    watch = ThroughputMonitor(100, 60)
    for _ in range(reads):
        watch.note(waited_s, 65536)
    assert len(watch._arrivals) <= entries
