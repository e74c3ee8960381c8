"""Filter logic: what it lets through, which filters it requires, what it refuses."""

from __future__ import annotations

import pytest

from sfr.emulator.analytics.boolean_logic import FilterLogic, LogicError

FILTERS = [lambda row: row & 1 > 0, lambda row: row & 2 > 0, lambda row: row & 4 > 0]


@pytest.mark.parametrize(
    ("text", "rows", "required"),
    [
        (None, [7], {0, 1, 2}),
        ("1 AND 2 AND 3", [7], {0, 1, 2}),
        ("1 or 2 or 3", [1, 2, 3, 4, 5, 6, 7], set()),
        ("(1 OR 2) AND 3", [5, 6, 7], {2}),
        ("1 OR 2 AND 3", [1, 3, 5, 6, 7], set()),
        ("1 AND NOT (2 OR 3)", [1], {0}),
    ],
)
def test_logic_joins_the_filters(text: str | None, rows: list[int], required: set[int]) -> None:
    """AND binds before OR; without logic all filters must be met."""
    logic = FilterLogic(text, 3)
    meets = logic.predicate(FILTERS)
    assert [row for row in range(8) if meets(row)] == rows
    assert logic.required == required


@pytest.mark.parametrize(
    "text", ["1 AND 2", "1 AND 2 AND 4", "1 AND", "(1 AND 2 AND 3", "1 AND 2 AND 3)", "1 XOR 2", "1 2 3"]
)
def test_logic_is_refused_when_it_does_not_fit(text: str) -> None:
    """Every filter must be named, and no other; the text must be well formed."""
    with pytest.raises(LogicError):
        FilterLogic(text, 3)


def test_logic_without_filters_lets_everything_through() -> None:
    """No filter, no logic."""
    assert FilterLogic(None, 0).predicate([])(5)
    with pytest.raises(LogicError):
        FilterLogic("1", 0)
