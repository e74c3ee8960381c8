from __future__ import annotations

import pytest

from sfr.progress.rates import WINDOW_S, Rates


def test_rate_is_unknown_until_two_moments_are_known() -> None:
    """One reading says nothing of speed."""
    assert Rates().note({"a": 100}, 1.0) == {"a": None}


def test_rate_follows_a_change_within_its_window() -> None:
    """Steady bytes give their rate; after a stall it falls, newer seconds counting more."""
    rates = Rates()
    for second in range(5):
        found = rates.note({"a": 1000 * second}, float(second))
    assert found["a"] == pytest.approx(1000)
    stalled = rates.note({"a": 4000}, 6.0)["a"]
    assert stalled is not None
    assert 0 < stalled < 1000
    assert rates.note({"a": 4000}, 6.0 + WINDOW_S)["a"] == 0


def test_source_that_is_not_noted_is_forgotten() -> None:
    """A report that is fetched again starts over, with fewer bytes than before."""
    rates = Rates()
    rates.note({"a": 1000, "b": 0}, 1.0)
    assert rates.note({"b": 10}, 2.0) == {"b": 10.0}
    assert rates.note({"a": 5, "b": 20}, 3.0)["a"] is None
    assert rates.note({"a": 0, "b": 30}, 4.0)["a"] == 0
