"""Builds the metadata of report runs: the report as one flat table, and slices of it. Pure.

Report filters, filter logic, scope, standard and date filters stay as they are: the metadata is sent back with few
changes. Limits: salesforce-facts.md §3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.description import TABULAR, Column, Description, is_joined, items, mapping
from sfr.salesforce.routes.analytics.run_result import Shape

GREATER, AT_MOST, EQUAL = "greaterThan", "lessOrEqual", "equals"
#: The aggregate that counts rows.
ROW_COUNT = "RowCount"

ROUTE_CLASSIC = "Use `route: classic` for this report"


@dataclass(frozen=True, slots=True)
class Cut:
    """Which rows of a sliced report to fetch: all, those with a greater key, or those without a key."""

    after: str | None = None
    #: Only rows with keys up to this one, in descending order.
    up_to: str | None = None
    is_blank: bool = False


@dataclass(frozen=True, slots=True)
class Run:
    """A run to request: the metadata to send (None: as saved), and the layout of its rows."""

    metadata: Mapping[str, object] | None
    shape: Shape
    #: Names of the columns expected in the result.
    columns: tuple[str, ...]
    #: Whether detail rows are requested; without them the result has aggregates only.
    has_details: bool = True


def refuse_joined(description: Description) -> None:
    """Raise `ReportError` for a joined report."""
    if is_joined(description.format):
        raise ReportError(
            ErrorKind.INVALID,
            "This is a joined report, which has no flat form: neither the API nor the classic export returns its rows.",
            remedy="Use `route: excel` for Salesforce's own workbook, or save each of its blocks as a separate report.",
            permanent=True,
        )


def has_row_limit(description: Description) -> bool:
    """Whether the report is limited to its first rows."""
    return bool(description.metadata.get("topRows"))


def flat_run(description: Description) -> Run:
    """The report as one table: grouping columns first, then details; rows in the report's own order."""
    columns = description.exported
    metadata = dict(description.metadata)
    metadata["hasDetailRows"] = True
    if description.format != TABULAR:
        _make_tabular(metadata, [column.name for column in columns])
    shape = Shape(tuple(column.data_type for column in columns), len(columns))
    return Run(metadata, shape, tuple(column.name for column in columns))


def saved_run(description: Description) -> Run:
    """The report as saved, including groupings, with the requested filters."""
    details = tuple(description.column(name) for name in description.details)
    shape = Shape(tuple(column.data_type for column in details), len(details))
    metadata = description.metadata if description.is_changed else None
    return Run(metadata, shape, tuple(column.name for column in details))


def counting_run(description: Description) -> Run:
    """A run that counts the report's rows and returns none."""
    names = [*items(description.metadata.get("aggregates"))]
    is_counted = ROW_COUNT in names
    metadata = {**description.metadata, "aggregates": names if is_counted else [*names, ROW_COUNT]}
    return Run(metadata if description.is_changed or not is_counted else None, Shape((), 0), (), has_details=False)


def _make_tabular(metadata: dict[str, Any], columns: list[str]) -> None:
    metadata["reportFormat"] = TABULAR
    metadata["detailColumns"] = columns
    metadata["groupingsDown"] = []
    metadata["groupingsAcross"] = []
    # Summary formulas and charts are meaningless in a table, but the row count is not.
    metadata["aggregates"] = [name for name in items(metadata.get("aggregates")) if name == ROW_COUNT]
    for name in ("chart", "dashboardSetting"):
        if metadata.get(name) is not None:
            metadata[name] = None
    if metadata.get("customSummaryFormula"):
        metadata["customSummaryFormula"] = {}
    metadata["sortBy"] = [
        sorting for sorting in items(metadata.get("sortBy")) if mapping(sorting).get("sortColumn") in columns
    ]


def sliced_run(flat: Run, keys: Sequence[Column], cut: Cut) -> Run:
    """A slice of a flat run, sorted by the first key; key columns missing from the report are added after its own."""
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
    """The error for a report that can only be run as saved, and has more rows than one run returns."""
    return invalid(
        "The grouped report has more rows than the API returns at once, and Salesforce cannot run it as a table.",
        f"Save it as a tabular report, or narrow its filters. {ROUTE_CLASSIC}.",
    )


def invalid(message: str, remedy: str) -> ReportError:
    """The permanent error for a report that this route cannot fetch."""
    return ReportError(ErrorKind.INVALID, message, remedy=remedy, permanent=True)
