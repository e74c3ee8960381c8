"""Backoff and the run-wide retry budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.runner.retry import Backoff, RetryBudget


@given(
    first_s=st.floats(0.001, 100), max_s=st.floats(0.001, 1000), failures=st.integers(1, 100_000), part=st.floats(0, 1)
)
def test_backoff_waits_between_nothing_and_the_cap_after_any_number_of_failures(first_s, max_s, failures, part):
    """No wait is negative, none exceeds `max_s`, and no number of failures overflows."""
    wait_s = Backoff(first_s, max_s).wait_s(failures, lambda low, high: low + part * (high - low))

    assert 0 <= wait_s <= max_s


def test_backoff_ceiling_doubles_with_every_failure_until_the_cap():
    """1, 2, 4 … seconds, then the cap."""
    backoff = Backoff(first_s=1, max_s=10)

    assert [1, 2, 4, 8, 10, 10] == [backoff.ceiling_s(failures) for failures in range(1, 7)]


@pytest.mark.parametrize(("reports", "budget"), [(0, 20), (10, 20), (11, 22), (1000, 2000)])
def test_retry_budget_is_twice_the_reports_and_20_at_least_when_automatic(reports, budget):
    """`auto` = max(20, 2 × reports)."""
    retries = RetryBudget.for_reports(None, reports)

    assert [retries.spend() for _ in range(budget + 2)] == [True] * budget + [False] * 2


def test_retry_budget_refuses_at_once_when_none_is_configured():
    """A budget of 0 means that nothing is tried again."""
    assert not RetryBudget.for_reports(0, 100).spend()
