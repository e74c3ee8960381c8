"""Plans a report run: the saved metadata with the request's changes, validated as Salesforce does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sfr.emulator.analytics.boolean_logic import FilterLogic, LogicError
from sfr.emulator.analytics.filters import FilterError, Key, ReportFilter, date_key, make_filter
from sfr.emulator.analytics.metadata import API_FORMATS, ROW_COUNT, SCOPES, report_metadata
from sfr.emulator.catalogue.columns import Column
from sfr.emulator.catalogue.reports import Report

_MAX_FILTERS = 20


class PlanError(ValueError):
    """The changed metadata is rejected; the text is the reason."""


@dataclass(frozen=True, slots=True)
class DateRange:
    """The standard date filter, with a start or an end: keys, both days inclusive."""

    column: Column
    start: Key | None
    end: Key | None


@dataclass(frozen=True, slots=True)
class RunPlan:
    """A validated run. metadata: `reportMetadata` of the response."""

    report: Report
    metadata: dict[str, Any]
    details: tuple[Column, ...]
    down: tuple[Column, ...]
    across: tuple[Column, ...]
    filters: tuple[ReportFilter, ...]
    logic: FilterLogic
    date_range: DateRange | None
    sort: tuple[tuple[Column, bool], ...]
    row_limit: int | None
    #: Whether only the user's own records are shown.
    is_mine: bool


def make_plan(report: Report, changes: object, *, ordered_ids: bool, ignored: Collection[str] = ()) -> RunPlan:
    """The plan for a request body (None: the report as saved). Raises PlanError.

    ignored: what the org ignores: `filters` (other values for saved filters), `date`, `scope`.
    """
    metadata = report_metadata(report)
    saved = dict(metadata)
    if changes is not None:
        requested = changes.get("reportMetadata") if isinstance(changes, dict) else None
        if requested is not None and not isinstance(requested, dict):
            raise PlanError("reportMetadata must be an object.")
        metadata.update(requested or {})
        _restore(metadata, saved, ignored)
    columns = {column.name: column for column in report.table.columns}
    try:
        return _checked(report, metadata, columns, ordered_ids=ordered_ids)
    except (FilterError, LogicError) as error:
        raise PlanError(str(error)) from None
    except (TypeError, AttributeError, KeyError) as error:
        raise PlanError(f"The report metadata has an unexpected form: {error}") from None


def _checked(report: Report, metadata: dict[str, Any], columns: Mapping[str, Column], *, ordered_ids: bool) -> RunPlan:
    details = tuple(_column(columns, name) for name in metadata["detailColumns"])
    down = tuple(_column(columns, entry["name"]) for entry in metadata["groupingsDown"] or [])
    across = tuple(_column(columns, entry["name"]) for entry in metadata["groupingsAcross"] or [])
    _check_format(metadata["reportFormat"], down, across)
    for name in metadata["aggregates"] or []:
        if name != ROW_COUNT:
            _column(columns, name.removeprefix("s!"))
    requested = metadata["reportFilters"] or []
    if len(requested) > _MAX_FILTERS:
        raise PlanError(f"You can't add more than {_MAX_FILTERS} field filters.")
    filters = tuple(make_filter(columns, entry, ordered_ids=ordered_ids) for entry in requested)
    logic = FilterLogic(metadata["reportBooleanFilter"], len(filters))
    sort = tuple(_sort_key(columns, entry, (*details, *down, *across)) for entry in metadata["sortBy"] or [])
    top = metadata.get("topRows")
    row_limit = int(top["rowLimit"]) if top else None
    date_range = _date_range(columns, metadata.get("standardDateFilter"))
    is_mine = _is_mine(metadata.get("scope"))
    return RunPlan(report, metadata, details, down, across, filters, logic, date_range, sort, row_limit, is_mine)


def _restore(metadata: dict[str, Any], saved: Mapping[str, Any], ignored: Collection[str]) -> None:
    """Undo the changes that this org ignores; filters added to the saved ones stay."""
    if "filters" in ignored:
        own = saved["reportFilters"]
        metadata["reportFilters"] = [*own, *(metadata["reportFilters"] or [])[len(own) :]]
    for name, key in (("date", "standardDateFilter"), ("scope", "scope")):
        if name in ignored:
            metadata[key] = saved[key]


def _is_mine(scope: object) -> bool:
    if scope not in SCOPES:
        raise PlanError(f"The value {scope} for scope is invalid: the report type has {', '.join(SCOPES)}.")
    return scope == "mine"


def _column(columns: Mapping[str, Column], name: str) -> Column:
    column = columns.get(name)
    if column is None:
        raise PlanError(f"The column {name} is invalid: it is not in the report type.")
    return column


def _check_format(name: object, down: tuple[Column, ...], across: tuple[Column, ...]) -> None:
    if name == "MULTI_BLOCK":
        return
    if name not in API_FORMATS.values():
        raise PlanError(f"The report format {name} is invalid.")
    if name == "TABULAR" and (down or across):
        raise PlanError("A tabular report can't have groupings.")
    if name == "SUMMARY" and (not down or across):
        raise PlanError("A summary report must have row groupings and can't have column groupings.")
    if name == "MATRIX" and not (down and across):
        raise PlanError("A matrix report must have row and column groupings.")


def _sort_key(
    columns: Mapping[str, Column], entry: Mapping[str, Any], shown: tuple[Column, ...]
) -> tuple[Column, bool]:
    column = _column(columns, entry["sortColumn"])
    if column not in shown:
        raise PlanError(f"The sort column {column.name} must be a column of the report.")
    order = str(entry.get("sortOrder", "Asc")).lower()
    if order not in ("asc", "desc"):
        raise PlanError("sortOrder must be Asc or Desc.")
    return column, order == "desc"


def _date_range(columns: Mapping[str, Column], requested: Mapping[str, Any] | None) -> DateRange | None:
    if not requested or not (requested.get("startDate") or requested.get("endDate")):
        return None
    column = _column(columns, requested["column"])
    if column.data_type not in ("date", "datetime"):
        raise PlanError(f"The standard date filter's column {column.name} is not a date.")
    start = date_key(column, requested["startDate"]) if requested.get("startDate") else None
    end = date_key(column, f"{requested['endDate'][:10]}T23:59:59") if requested.get("endDate") else None
    return DateRange(column, start, end)
