"""The payloads that the pool answers for, without any process."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from sfr.model import FetchTimes, Payload, Report
from sfr.workers.unanswered import Unanswered

REPORT = Report(0, "SFDC", "r", "00O000000000001AAA", "/out", "?export=1")
TIMES = FetchTimes(datetime(2026, 1, 1, tzinfo=UTC), 0.0, 0.0, 0.0, 0.0)


def payload(number, received_bytes):
    """A body of this size."""
    return Payload(number, REPORT, 1, TIMES, received_bytes, spool_path="/out/.spool")


def given_out(unanswered):
    """Numbers in the order in which they go to the queue."""
    order = []
    while (entry := unanswered.next_for_queue()) is not None:
        order.append(entry.payload.number)
    return order


@given(st.lists(st.integers(0, 5)), st.data())
def test_unanswered_gives_out_the_largest_first_and_equals_in_turn(sizes, data):
    """Also again after the queue was given up, but for those that are answered by then."""
    unanswered = Unanswered()
    for number, size in enumerate(sizes):
        unanswered.put(payload(number, size))
    expected = sorted(range(len(sizes)), key=lambda number: (-sizes[number], number))

    assert given_out(unanswered) == expected

    answered = data.draw(st.sets(st.sampled_from(expected))) if expected else set()
    for number in answered:
        unanswered.forget(number)
    unanswered.requeue()

    assert given_out(unanswered) == [number for number in expected if number not in answered]
