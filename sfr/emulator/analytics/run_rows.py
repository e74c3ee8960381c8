"""Selects and sorts the rows of a report run, by binary search if a filter is on the sort column."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from sfr.emulator.analytics.filters import ReportFilter
from sfr.emulator.analytics.run_plan import RunPlan, make_plan
from sfr.emulator.catalogue.columns import Column, Numbered
from sfr.emulator.catalogue.ids import numbered_id
from sfr.emulator.catalogue.reports import Report

#: The owner whose records the scope `mine` shows: the first of the generated ones.
MY_RECORDS_OWNER = numbered_id("005", 100)


class RowOrders:
    """Row numbers in ascending order of a column; cached, since reports are fetched slice by slice. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: dict[tuple[str, int, str], list[int]] = {}

    def ascending(self, report: Report, column: Column) -> Sequence[int]:
        """All rows of the report, sorted by the column."""
        if isinstance(column.source, Numbered):
            return range(report.rows)
        key = (report.id, report.rows, column.name)
        with self._lock:
            known = self._orders.get(key)
        if known is None:
            known = sorted(range(report.rows), key=column.sort_key)
            with self._lock:
                self._orders[key] = known
        return known


def rows_of(orders: RowOrders, plan: RunPlan) -> Sequence[int]:
    """The rows that match the filters, in order: a range or list of row numbers."""
    order = _order(orders, plan)
    rest: set[int] = set(range(len(plan.filters)))
    if plan.sort:
        column, descending = plan.sort[0]
        for number in plan.logic.required:
            narrowed = None if descending else _narrowed(order, column, plan.filters[number])
            if narrowed is not None:
                order = narrowed
                rest.discard(number)
    if rest or plan.date_range is not None or plan.is_mine:
        order = _filtered(order, plan)
    return order[: plan.row_limit] if plan.row_limit is not None else order


def rows_shown(report: Report) -> Sequence[int]:
    """The rows that match the report's own filters, in the table's order. Raises PlanError for invalid filters."""
    return _filtered(range(report.rows), make_plan(report, None, ordered_ids=True))


def _order(orders: RowOrders, plan: RunPlan) -> Sequence[int]:
    rows: Sequence[int] = range(plan.report.rows)
    for column, descending in reversed(plan.sort):
        if len(plan.sort) == 1:
            ascending = orders.ascending(plan.report, column)
            return ascending[::-1] if descending else ascending
        rows = sorted(rows, key=column.sort_key, reverse=descending)
    return rows


def _narrowed(order: Sequence[int], column: Column, wanted: ReportFilter) -> Sequence[int] | None:
    """The part of an ascending order that matches a comparison on the sort column; None if the filter is not one."""
    if wanted.column is not column or len(wanted.keys) != 1 or not wanted.keys[0][0]:
        return None
    limit = wanted.keys[0]
    first_filled = bisect_left(order, (True, _least(limit)), key=column.sort_key)
    match wanted.operator:
        case "greaterThan":
            return order[bisect_right(order, limit, key=column.sort_key) :]
        case "greaterOrEqual":
            return order[bisect_left(order, limit, key=column.sort_key) :]
        case "lessThan":
            return order[first_filled : bisect_left(order, limit, key=column.sort_key)]
        case "lessOrEqual":
            return order[first_filled : bisect_right(order, limit, key=column.sort_key)]
    return None


def _least(limit: tuple[bool, str | float]) -> str | float:
    return "" if isinstance(limit[1], str) else float("-inf")


def _filtered(order: Sequence[int], plan: RunPlan) -> list[int]:
    meets = plan.logic.predicate([wanted.admits for wanted in plan.filters])
    dates = plan.date_range
    owner = next((column for column in plan.report.table.columns if column.name_field == "Owner.Name"), None)
    rows = [row for row in order if meets(row)]
    if plan.is_mine and owner is not None:
        rows = [row for row in rows if owner.raw(row) == MY_RECORDS_OWNER]
    if dates is None:
        return rows
    kept = []
    for row in rows:
        key = dates.column.sort_key(row)
        if key[0] and (dates.start is None or key >= dates.start) and (dates.end is None or key <= dates.end):
            kept.append(row)
    return kept
