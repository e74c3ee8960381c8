"""The classic export with the list's `filters` in its query string, for `route: classic` (salesforce-facts.md §5).

Nothing in an export shows which filters Salesforce applied. So the worker checks the first and last rows against those
whose column is in the report, as far as the report can be described.
"""

from __future__ import annotations

import csv
import logging
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from sfr.errors import ErrorKind, ReportError
from sfr.model import ValueCheck
from sfr.salesforce.page_kinds import LightningError
from sfr.salesforce.rest import RestApi
from sfr.salesforce.routes import classic
from sfr.salesforce.routes.analytics import describe
from sfr.salesforce.routes.analytics.description import Description, items, mapping
from sfr.salesforce.routes.analytics.requested_filters import with_filters
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.row_filters import RowFilters, is_iso_date, parse_row_filters

if TYPE_CHECKING:
    from sfr.model import Payload

log = logging.getLogger(__name__)

UNPROVED = "Nothing proves that Salesforce applied `filters`, since an export does not show them (`route: classic`)."

PAGE_REMEDY = (
    "Check the row's `filters` first: the export answers with a page to a value, date column or scope that Salesforce "
    "does not accept; `route: analytics` says which."
)


def fetch(context: FetchContext) -> Payload:
    """Download the filtered export to `context.incoming`.

    Raises `ReportError` like `classic.fetch`, and `invalid` for a filter that the report is known not to have.
    """
    filters = parse_row_filters(context.report.filters)
    description = _describe(context)
    checks: tuple[ValueCheck, ...] = ()
    if description is not None:
        checks = value_checks(with_filters(description, filters), filters)
    try:
        payload = classic.fetch(context, filter_params(filters))
    except ReportError as error:
        if error.kind is ErrorKind.NOT_CSV and not isinstance(error, LightningError):
            error.remedy = f"{PAGE_REMEDY} {error.remedy}"
        raise
    return replace(payload, note=UNPROVED, checks=checks)


def filter_params(filters: RowFilters) -> str:
    """The filters as the end of a query string; dates in the form of the locale English (United States)."""
    pairs = [(f"pv{number - 1}", _us_date(value)) for number, value in filters.values]
    if filters.dates is not None:
        pairs += [("colDt_c", filters.dates.column)] if filters.dates.column else []
        pairs += [("colDt_q", "custom"), ("colDt_s", _us_date(filters.dates.first))]
        pairs.append(("colDt_e", _us_date(filters.dates.last)))
    if filters.scope:
        pairs.append(("scope", filters.scope))
    return "".join(f"&{name}={quote(value, safe='/,')}" for name, value in pairs)


def value_checks(description: Description, filters: RowFilters) -> tuple[ValueCheck, ...]:
    """What the rows must meet: the filters on columns of the report. description: with the filters."""
    shown = {column.name: column for column in description.exported}
    checks = []
    own = [mapping(one) for one in items(description.metadata.get("reportFilters"))]
    # With filter logic, a row may meet other filters instead.
    for number, value in filters.values if not description.metadata.get("reportBooleanFilter") else ():
        column = shown.get(str(own[number - 1].get("column")))
        if column is not None:
            operator = str(own[number - 1].get("operator"))
            checks.append(ValueCheck(f"filter {number}", column.label, column.data_type, operator, _values(value)))
    dates = mapping(description.metadata.get("standardDateFilter"))
    column = shown.get(str(dates.get("column")))
    if filters.dates is not None and column is not None:
        span = (filters.dates.first, filters.dates.last)
        checks.append(ValueCheck("the date range", column.label, column.data_type, "between", span))
    return tuple(checks)


def _describe(context: FetchContext) -> Description | None:
    """The report's description; None if this session cannot get it, which the export itself may survive."""
    try:
        return describe(context.report.report_id, RestApi.of(context))
    except ReportError as error:
        if error.kind is ErrorKind.INTERRUPTED:
            raise
        log.info("%s: its filters cannot be checked: %s", context.report.name, error.message)
        return None


def _us_date(value: str) -> str:
    if not is_iso_date(value):
        return value
    day = date.fromisoformat(value)
    return f"{day.month}/{day.day}/{day.year}"


def _values(value: str) -> tuple[str, ...]:
    """The values of a filter: separated by commas, those with a comma in double quotes."""
    return tuple(next(csv.reader([value], skipinitialspace=True), [])) or ("",)
