"""sfr.workers.pending: the order of payloads, without any process."""

from hypothesis import given
from hypothesis import strategies as st

from sfr.model import Payload, Report
from sfr.workers.pending import PendingPayloads


def payload(number, received_bytes):
    """A body of this size."""
    report = Report(number, "SFDC", "r", "00O000000000001AAA", "/out", "?export=1")
    return Payload(report, 1, "classic", received_bytes, spool_path="/out/.spool")


def drained(pending):
    """Numbers in the order in which they go to the queue."""
    order = []
    while (entry := pending.next_for_queue()) is not None:
        order.append(entry.payload.report.position)
    return order


@given(st.lists(st.integers(0, 5)), st.data())
def test_pending_payloads_are_queued_largest_first_and_equals_in_turn(sizes, data):
    """Also again after the queue was abandoned, apart from those finished by then."""
    pending = PendingPayloads()
    for number, size in enumerate(sizes):
        pending.put(payload(number, size))
    expected = sorted(range(len(sizes)), key=lambda number: (-sizes[number], number))

    assert drained(pending) == expected

    answered = data.draw(st.sets(st.sampled_from(expected))) if expected else set()
    for number in answered:
        pending.remove((number, 1))
    pending.requeue()

    assert drained(pending) == [number for number in expected if number not in answered]
