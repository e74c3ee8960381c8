"""When the pool starts workers again, and when it gives up."""

import pytest

from sfr.workers.restarts import MAX_FAILED_STARTS, MAX_IDLE_GENERATIONS, RESTART_PAUSE_S, Restarts


@pytest.mark.parametrize(("start_failed", "limit"), [(True, MAX_FAILED_STARTS), (False, MAX_IDLE_GENERATIONS)])
def test_restarts_give_up_when_generations_in_a_row_come_to_nothing(start_failed, limit):
    """Few generations that never became ready, many that became ready and took no payload."""
    restarts = Restarts()
    for _ in range(limit - 1):
        restarts.record_end(0.0, start_failed=start_failed, started_any=True)
        assert not restarts.has_given_up
    restarts.record_end(0.0, start_failed=start_failed, started_any=True)
    assert restarts.has_given_up


def test_restarts_reset_the_count_after_a_payload_was_taken():
    """Work done shows that workers can run."""
    restarts = Restarts()
    for _ in range(3 * MAX_IDLE_GENERATIONS):
        restarts.record_ready()
        restarts.record_taken()
        restarts.record_end(0.0, start_failed=True, started_any=True)
    assert not restarts.has_given_up


def test_restarts_pause_only_where_no_process_could_be_started():
    """Otherwise the next generation may start at once."""
    restarts = Restarts()
    restarts.record_end(100.0, start_failed=False, started_any=True)
    assert restarts.is_due(100.0)
    restarts.record_end(100.0, start_failed=True, started_any=False)
    assert not restarts.is_due(100.0)
    assert restarts.is_due(100.0 + RESTART_PAUSE_S)
