"""Grouped answers as flat rows: the labels of a row's groupings, then its details.

Used where a grouped report cannot be run as a tabular one. The order is the report's own: down the row groupings, and
within each across the column groupings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.answer import Row, RunAnswer
from sfr.salesforce.routes.analytics.cells import cell_text
from sfr.salesforce.routes.analytics.description import items, mapping

_TOTAL = "T"
_Groupings = tuple[Mapping[str, object], ...]


def flat_rows(answer: RunAnswer, grouping_types: Sequence[str]) -> list[Row]:
    """All rows of an answer. grouping_types: data types of the grouping columns, those of rows first.

    Raises `ReportError` where rows lie under groupings that the answer does not name.
    """
    if not answer.groupings_down and not answer.groupings_across:
        found = list(answer.facts.get(f"{_TOTAL}!{_TOTAL}", ()))
    else:
        found = []
        for down_key, down_groupings in _leaves(answer.groupings_down):
            for across_key, across_groupings in _leaves(answer.groupings_across):
                groupings = [*down_groupings, *across_groupings]
                before = tuple(_text(*pair) for pair in zip(groupings, grouping_types, strict=True))
                rows = answer.facts.get(f"{down_key}!{across_key}", ())
                found += [Row(before + row.texts, row.keys) for row in rows]
    if len(found) != sum(map(len, answer.facts.values())):
        raise ReportError(
            ErrorKind.TRUNCATED,
            "Rows of the answer lie under groupings that it does not name.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    return found


def _leaves(groupings: list[object], above: _Groupings = ()) -> Iterator[tuple[str, _Groupings]]:
    """Key and path of every innermost grouping; one without a path where there is no grouping."""
    if not groupings and not above:
        yield _TOTAL, ()
    for grouping in map(mapping, groupings):
        path = (*above, grouping)
        below = items(grouping.get("groupings"))
        if below:
            yield from _leaves(below, path)
        else:
            yield str(grouping.get("key")), path


def _text(grouping: Mapping[str, object], data_type: str) -> str:
    return cell_text(grouping.get("label"), grouping.get("value"), data_type)
