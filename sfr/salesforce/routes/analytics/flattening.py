"""Flattens grouped results into rows: the labels of the groupings, then the details.

Used if a grouped report cannot be run as a tabular one. Rows keep the report's order: by row groupings, then by column
groupings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.cells import cell_text
from sfr.salesforce.routes.analytics.description import items, mapping
from sfr.salesforce.routes.analytics.run_result import Row, RunResult

_TOTAL = "T"
_Groupings = tuple[Mapping[str, object], ...]


def flat_rows(result: RunResult, grouping_types: Sequence[str]) -> list[Row]:
    """All rows of a result. grouping_types: data types of the grouping columns, row groupings first.

    Raises `ReportError` if rows belong to groupings that the result does not define.
    """
    if not result.groupings_down and not result.groupings_across:
        found = list(result.facts.get(f"{_TOTAL}!{_TOTAL}", ()))
    else:
        found = []
        for down_key, down_groupings in _leaves(result.groupings_down):
            for across_key, across_groupings in _leaves(result.groupings_across):
                groupings = [*down_groupings, *across_groupings]
                before = tuple(_text(*pair) for pair in zip(groupings, grouping_types, strict=True))
                rows = result.facts.get(f"{down_key}!{across_key}", ())
                found += [Row(before + row.texts, row.keys) for row in rows]
    if len(found) != sum(map(len, result.facts.values())):
        raise ReportError(
            ErrorKind.TRUNCATED,
            "The result contains rows of groupings that it does not define.",
            remedy="Use `route: classic` for this report.",
            permanent=True,
        )
    return found


def _leaves(groupings: list[object], above: _Groupings = ()) -> Iterator[tuple[str, _Groupings]]:
    """Key and path of every innermost grouping; a single one with an empty path without groupings."""
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
