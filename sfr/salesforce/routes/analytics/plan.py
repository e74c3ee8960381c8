"""What to ask for: the report as one flat table, and slices of it. Pure; refuses what cannot be had in full.

Report filters, filter logic, scope, standard and date filters stay as they are: the metadata goes back as it came, with
few changes. Limits: salesforce-facts.md §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.answer import Shape
from sfr.salesforce.routes.analytics.description import TABULAR, Column, Description, is_joined, items, mapping

GREATER, AT_MOST, EQUAL = "greaterThan", "lessOrEqual", "equals"

ROUTE_CLASSIC = "Use `route: classic` for this report"


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows of a sliced report are asked for: all, those with a greater key, or those without one."""

    after: str | None = None
    #: No rows with a greater key than this; if set, the greatest come first.
    up_to: str | None = None
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """One run to ask for: the metadata to send (None: as saved), and what its rows are."""

    metadata: Mapping[str, object] | None
    shape: Shape
    #: Names of the columns that the answer must have.
    columns: tuple[str, ...]


def refuse_joined(description: Description) -> None:
    """Raises `ReportError` for a joined report."""
    if is_joined(description.format):
        raise ReportError(
            ErrorKind.INVALID,
            "This is a joined report, which has no flat form: neither the API nor the classic export gives its rows.",
            remedy="Save each of its blocks as a report of its own, and list those.",
            permanent=True,
        )


def has_row_limit(description: Description) -> bool:
    """Whether the report shows only its first rows."""
    return bool(description.metadata.get("topRows"))


def flat_run(description: Description) -> Run:
    """The report as one table: grouping columns first, then details; the report's own order of rows."""
    columns = description.exported
    metadata = dict(description.metadata)
    metadata["hasDetailRows"] = True
    if description.format != TABULAR:
        _make_tabular(metadata, [column.name for column in columns])
    shape = Shape(tuple(column.data_type for column in columns), len(columns))
    return Run(metadata, shape, tuple(column.name for column in columns))


def saved_run(description: Description) -> Run:
    """The report as it was saved, groupings and all."""
    details = tuple(description.column(name) for name in description.details)
    shape = Shape(tuple(column.data_type for column in details), len(details))
    return Run(None, shape, tuple(column.name for column in details))


def _make_tabular(metadata: dict[str, Any], columns: list[str]) -> None:
    metadata["reportFormat"] = TABULAR
    metadata["detailColumns"] = columns
    metadata["groupingsDown"] = []
    metadata["groupingsAcross"] = []
    # Formulas over groupings, and charts, have no meaning in a table; the row count has.
    metadata["aggregates"] = [name for name in items(metadata.get("aggregates")) if name == "RowCount"]
    for name in ("chart", "dashboardSetting"):
        if metadata.get(name) is not None:
            metadata[name] = None
    if metadata.get("customSummaryFormula"):
        metadata["customSummaryFormula"] = {}
    metadata["sortBy"] = [
        sorting for sorting in items(metadata.get("sortBy")) if mapping(sorting).get("sortColumn") in columns
    ]


def sliced_run(flat: Run, keys: Sequence[Column], cut: Cut) -> Run:
    """A slice of a flat run, sorted by the first key; key columns that the report lacks are added behind its own."""
    metadata = dict(flat.metadata or {})
    added = [key for key in keys if key.name not in flat.columns]
    columns = (*flat.columns, *(key.name for key in added))
    key = keys[0]
    metadata["detailColumns"] = list(columns)
    metadata["sortBy"] = [{"sortColumn": key.name, "sortOrder": "Asc" if cut.up_to is None else "Desc"}]
    for operator, value in ((EQUAL, "" if cut.is_blank else None), (GREATER, cut.after), (AT_MOST, cut.up_to)):
        if value is not None:
            _add_filter(metadata, {"column": key.name, "operator": operator, "value": value})
    shape = Shape(
        (*flat.shape.data_types, *(key.data_type for key in added)),
        flat.shape.written,
        tuple(columns.index(key.name) for key in keys),
    )
    return Run(metadata, shape, columns)


def _add_filter(metadata: dict[str, Any], filter_: dict[str, Any]) -> None:
    filters = items(metadata.get("reportFilters"))
    logic = metadata.get("reportBooleanFilter")
    metadata["reportFilters"] = [*filters, filter_]
    if logic:
        metadata["reportBooleanFilter"] = f"({logic}) AND {len(filters) + 1}"


def too_large_grouped() -> ReportError:
    """The error for a report that can only be run as saved, and has more rows than that gives."""
    return invalid(
        "The grouped report has more rows than the API gives at once, and Salesforce does not run it as a table.",
        f"Save it as a tabular report, or narrow its filters. {ROUTE_CLASSIC}.",
    )


def invalid(message: str, remedy: str) -> ReportError:
    """The error of a report that this route cannot fetch, whoever asks how often."""
    return ReportError(ErrorKind.INVALID, message, remedy=remedy, permanent=True)
