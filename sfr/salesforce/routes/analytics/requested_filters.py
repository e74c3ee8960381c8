"""Puts the list's `filters` into a report's metadata, and proves by the answer's metadata that they took effect. Pure.

Filter logic and the report's other filters stay as they are. Sources: salesforce-facts.md §5.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.description import Description, items, mapping
from sfr.salesforce.routes.analytics.plan import invalid
from sfr.salesforce.row_filters import NO_FILTERS, RowFilters
from sfr.wording import quoted, shortened

CUSTOM = "CUSTOM"
#: Longest text that lists a report's filters.
MAX_LIST_CHARS = 2_000
REFUSED_REMEDY = (
    "Correct the row's `filters`, if that is about one of them (`--list-reports --filters` shows the report's own); "
    "otherwise change the report as described."
)
_NOT_APPLIED_REMEDY = "Put the filter into the report itself."


def with_filters(description: Description, filters: RowFilters) -> Description:
    """The description with the requested filters in its metadata.

    Raises `ReportError` `invalid` for a filter that the report does not have.
    """
    if filters == NO_FILTERS:
        return description
    metadata = dict(description.metadata)
    if filters.values:
        own = [dict(mapping(one)) for one in items(metadata.get("reportFilters"))]
        for number, value in filters.values:
            if number > len(own):
                raise _no_such_filter(description, number)
            own[number - 1]["value"] = value
        metadata["reportFilters"] = own
    if filters.dates is not None:
        column = filters.dates.column or str(mapping(metadata.get("standardDateFilter")).get("column") or "")
        if not column:
            raise invalid(
                "The report has no standard date filter whose column `filters` could use.",
                "Name a date column of the report type: `date=COLUMN:FROM..TO`.",
            )
        days = {"startDate": filters.dates.first, "endDate": filters.dates.last}
        metadata["standardDateFilter"] = {"column": column, "durationValue": CUSTOM, **days}
    if filters.scope:
        metadata["scope"] = filters.scope
    return replace(description, metadata=metadata, is_changed=True)


def prove_filters(filters: RowFilters, sent: Mapping[str, object], answer: Mapping[str, object]) -> None:
    """Raise `ReportError` `invalid` unless the answer's metadata has every requested filter as it was sent."""
    sent_filters, answered = items(sent.get("reportFilters")), items(answer.get("reportFilters"))
    for number, value in filters.values:
        requested = mapping(sent_filters[number - 1]) if number <= len(sent_filters) else {}
        found = mapping(answered[number - 1]) if number <= len(answered) else {}
        is_same = all(requested.get(part) == found.get(part) for part in ("column", "operator"))
        if not found or not is_same or not is_same_value(value, _text(found.get("value"))):
            raise _not_applied(
                f"filter {number} ({quoted(_text(requested.get('column')))} = {quoted(value)})", _shown(found)
            )
    if filters.dates is not None:
        requested, found = mapping(sent.get("standardDateFilter")), mapping(answer.get("standardDateFilter"))
        days = (_text(found.get("startDate"))[:10], _text(found.get("endDate"))[:10])
        is_same = found.get("column") == requested.get("column") and found.get("durationValue") == CUSTOM
        if not is_same or days != (filters.dates.first, filters.dates.last):
            raise _not_applied(f"date range {filters.dates}", _shown(found))
    if filters.scope and _text(answer.get("scope")).casefold() != filters.scope.casefold():
        raise _not_applied(f"scope {quoted(filters.scope)}", quoted(_text(answer.get("scope"))))


def is_same_value(requested: str, answered: str) -> bool:
    """Whether both are the same filter value: case, blanks around commas and the form of numbers do not matter."""
    return requested == answered or [*map(_normal, _parts(requested))] == [*map(_normal, _parts(answered))]


def point_to_filters(error: ReportError, filters: RowFilters) -> None:
    """Let the remedy name `filters` if Salesforce refused a request that had some."""
    if filters != NO_FILTERS and error.kind is ErrorKind.INVALID and error.http_status is not None:
        error.remedy = REFUSED_REMEDY


def filter_texts(description: Description) -> list[str]:
    """What a user may change by `filters`: every filter by its number, then date range and scope."""
    metadata = description.metadata
    texts = []
    for number, one in enumerate(map(mapping, items(metadata.get("reportFilters"))), 1):
        name = _text(one.get("column"))
        label = description.column(name).label
        field = label if label == name else f"{label} ({name})"
        texts.append(f"{number}: {field} {_text(one.get('operator'))} {quoted(_text(one.get('value')), 200)}")
    logic = _text(metadata.get("reportBooleanFilter"))
    if logic:
        texts.append(f"logic: {logic}")
    dates = mapping(metadata.get("standardDateFilter"))
    if dates.get("column"):
        begin, end = _text(dates.get("startDate")), _text(dates.get("endDate"))
        duration = _text(dates.get("durationValue"))
        span = f"{begin}..{end}" if begin or end else "all time" if duration in ("", CUSTOM) else duration
        texts.append(f"date: {_text(dates.get('column'))}:{span}")
    if metadata.get("scope"):
        texts.append(f"scope: {_text(metadata.get('scope'))}")
    return texts


def _no_such_filter(description: Description, number: int) -> ReportError:
    count = len(items(description.metadata.get("reportFilters")))
    has = f"{count} filter{'' if count == 1 else 's'}" if count else "no filters"
    names = shortened("; ".join(filter_texts(description)), MAX_LIST_CHARS)
    return invalid(
        f"The report has {has}, but `filters` sets filter {number}. It has {names or 'nothing to set'}.",
        "Correct the number, or add the filter to the report itself.",
    )


def _not_applied(what: str, found: str) -> ReportError:
    return invalid(
        f"Salesforce did not apply the requested {what}: its answer has {found}. The report was not saved.",
        _NOT_APPLIED_REMEDY,
    )


def _shown(found: Mapping[str, object]) -> str:
    named = [f"{name} {quoted(_text(value))}" for name, value in found.items() if isinstance(value, str) and value]
    return ", ".join(named) or "none"


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _parts(value: str) -> list[str]:
    """The values of a filter: separated by commas, those with a comma in double quotes."""
    try:
        return next(csv.reader([value], skipinitialspace=True, strict=True), [""])
    except csv.Error:
        return [value]


def _normal(text: str) -> object:
    text = text.strip().casefold()
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text.removesuffix("t00:00:00z").removesuffix("t00:00:00.000z")
    return number if number.is_finite() else text
