from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfr.model import Baseline
from sfr.progress.estimate import Estimate, Estimator, Underway


def baseline(received_bytes: int | None, duration_s: float | None) -> Baseline:
    """What the history provides for the estimate."""
    return Baseline(None, None, None, received_bytes, None, duration_s)


def test_nothing_is_promised_when_nothing_is_known() -> None:
    """A first run has no estimate until something has ended."""
    estimator = Estimator([None, None], 2, 2)

    assert estimator.estimate([Underway(0, 500, 1.0)], 500, 1.0) == Estimate(None, None)


def test_total_is_the_known_sum_when_history_knows_all() -> None:
    """Bytes in flight count towards what was expected of their report."""
    estimator = Estimator([baseline(1000, 10.0), baseline(3000, 30.0)], 2, 2)

    found = estimator.estimate([Underway(0, 400, 4.0)], 400, 4.0)

    assert found.expected_total_bytes == 4000
    assert found.eta_s == 36.0  # 3,600 bytes at 100 a second


def test_unknown_report_counts_as_the_mean_when_others_are_known() -> None:
    """A new report is expected to be as large as the known and the finished ones on average."""
    estimator = Estimator([baseline(1000, None), None, None], 1, 2)
    estimator.ended(1, 3000, 5.0)

    assert estimator.estimate([], 3000, 5.0).expected_total_bytes == 3000 + 1000 + 2000


def test_longest_report_is_the_floor_when_bytes_promise_less() -> None:
    """A report that took ten minutes last time is not done in one, however few its bytes are."""
    estimator = Estimator([baseline(10, 600.0), baseline(10, 1.0)], 4, 2)
    estimator.ended(1, 10, 1.0)

    assert estimator.estimate([Underway(0, 0, 60.0)], 10, 60.0).eta_s == 540.0


def test_nothing_is_left_when_all_have_ended() -> None:
    """The estimate ends at zero, also where reports failed or ended twice."""
    estimator = Estimator([baseline(1000, 10.0), None], 1, 2)
    estimator.ended(0, None, None)
    estimator.ended(1, 50, 1.0)
    estimator.ended(1, 50, 1.0)

    assert estimator.estimate([Underway(1, 50, 1.0)], 50, 1.0) == Estimate(50, 0.0)


def test_what_has_arrived_is_not_waited_for_again() -> None:
    """A report that is smaller than last time is whole when it is whole."""
    estimator = Estimator([baseline(1000, None), baseline(1000, None)], 1, 1)

    assert estimator.estimate([Underway(0, 600, 6.0, 1.0)], 600, 6.0).expected_total_bytes == 1600


def test_writing_is_work_left_when_all_has_arrived() -> None:
    """At the pace of this run's workers, less what they must have written since it arrived."""
    estimator = Estimator([None, None], 1, 4)
    estimator.ended(0, 1000, 3.0, worked_s=2.0)

    assert estimator.estimate([Underway(1, 5000, 4.0, 3.0)], 6000, 6.0).eta_s == 7.0  # 500 a second, by one worker
    assert estimator.estimate([Underway(1, 5000, 14.0, 13.0)], 6000, 16.0).eta_s == 0.0


def test_writing_of_a_backlog_is_shared_by_the_workers() -> None:
    """Two workers write two of five payloads; the others still wait."""
    estimator = Estimator([None] * 6, 1, 2)
    estimator.ended(0, 1000, 3.0, worked_s=1.0)
    backlog = [Underway(index, 1000, 1.0, 0.5) for index in range(1, 6)]

    assert estimator.estimate(backlog, 6000, 6.0).eta_s == 2.0


def test_history_counts_writing_when_all_has_arrived() -> None:
    """A duration of the history ends with the file in place."""
    estimator = Estimator([baseline(1000, 20.0)], 1, 1)

    assert estimator.estimate([Underway(0, 1000, 5.0, 1.0)], 1000, 5.0).eta_s == 15.0


def test_pace_of_small_reports_says_nothing_of_large_ones() -> None:
    """What a worker needs for each report, however small, is not a pace in bytes."""
    estimator = Estimator([None, None], 1, 1)
    estimator.ended(0, 100, 1.0, worked_s=1.0)

    assert estimator.estimate([Underway(1, 10**8, 4.0, 1.0)], 10**8, 6.0).eta_s == 0.0


@given(
    st.lists(st.none() | st.tuples(st.integers(0, 10**12), st.floats(0, 1e5)), min_size=1, max_size=30),
    st.data(),
)
def test_estimate_is_never_negative_nor_below_what_arrived(
    known: list[tuple[int, float] | None], draw: st.DataObject
) -> None:
    """Whatever history says and in whatever order reports end, the estimate stays sane."""
    estimator = Estimator([None if each is None else baseline(*each) for each in known], 3, 2)
    received = 0
    for index in draw.draw(st.permutations(range(len(known)))):
        found = estimator.estimate([Underway(index, 5, 0.5)], received, 1.0)
        assert found.expected_total_bytes is None or found.expected_total_bytes >= received
        assert found.eta_s is None or found.eta_s >= 0
        size = draw.draw(st.none() | st.integers(0, 10**12))
        estimator.ended(index, size, None if size is None else 1.0)
        received += size or 0
