"""The payloads that the pool answers for, without any process."""

from hypothesis import given
from hypothesis import strategies as st

from sfr.model import Payload, Report
from sfr.workers.unanswered import Unanswered


def payload(number, received_bytes):
    """A body of this size."""
    report = Report(number, "SFDC", "r", "00O000000000001AAA", "/out", "?export=1")
    return Payload(report, 1, "classic", received_bytes, spool_path="/out/.spool")


def given_out(unanswered):
    """Numbers in the order in which they go to the queue."""
    order = []
    while (entry := unanswered.next_for_queue()) is not None:
        order.append(entry.payload.report.position)
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
        unanswered.forget((number, 1))
    unanswered.requeue()

    assert given_out(unanswered) == [number for number in expected if number not in answered]
