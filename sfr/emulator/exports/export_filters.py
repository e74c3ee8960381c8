"""The classic export's filters: `pv0` …, `pn0` …, `pc0` …, `colDt_c`, `colDt_s`, `colDt_e`, `scope`."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sfr.emulator.analytics.metadata import report_metadata
from sfr.emulator.analytics.run_plan import PlanError, make_plan
from sfr.emulator.analytics.run_rows import RowOrders, rows_of
from sfr.emulator.catalogue.reports import Report

_OPERATORS: Mapping[str, str] = MappingProxyType(
    {
        "eq": "equals",
        "ne": "notEqual",
        "lt": "lessThan",
        "le": "lessOrEqual",
        "gt": "greaterThan",
        "ge": "greaterOrEqual",
        "co": "contains",
        "nc": "notContain",
        "sw": "startsWith",
    }
)
_PART = re.compile(r"p([vnc])(\d{1,3})")


def with_export_filters(report: Report, query: Mapping[str, str], ignored: Collection[str] = ()) -> Report:
    """The report with the rows that the query's filters let through; filters that it does not have are ignored.

    Raises PlanError for values that Salesforce would reject.
    """
    metadata = report_metadata(report)
    changes = {**_values(metadata, query), **_dates(metadata, query)}
    if query.get("scope"):
        changes["scope"] = query["scope"]
    if not changes:
        return report
    plan = make_plan(report, {"reportMetadata": changes}, ordered_ids=True, ignored=ignored)
    return replace(report, shown=rows_of(RowOrders(), plan))


def _values(metadata: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    filters = [dict(one) for one in metadata["reportFilters"]]
    is_changed = False
    for name, value in query.items():
        match = _PART.fullmatch(name)
        if match is None or int(match[2]) >= len(filters):
            continue
        key = {"v": "value", "n": "operator", "c": "column"}[match[1]]
        filters[int(match[2])][key] = _OPERATORS.get(value, value) if key == "operator" else value
        is_changed = True
    return {"reportFilters": filters} if is_changed else {}


def _dates(metadata: Mapping[str, Any], query: Mapping[str, str]) -> dict[str, Any]:
    begin, end = query.get("colDt_s", ""), query.get("colDt_e", "")
    if not begin and not end:
        return {}
    column = query.get("colDt_c") or (metadata["standardDateFilter"] or {}).get("column")
    days = {"startDate": _day(begin), "endDate": _day(end)}
    return {"standardDateFilter": {"column": column, "durationValue": "CUSTOM", **days}}


def _day(text: str) -> str | None:
    """`9/8/2026`, as a user of the locale English (United States) writes a date, in ISO form."""
    if not text:
        return None
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()
    except ValueError:
        raise PlanError(f"{text} is not a date") from None
