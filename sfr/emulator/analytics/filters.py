"""The filters of a report run: the operators of each data type, and how they compare."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sfr.emulator.catalogue.cells import EMPTY, TEXT_TYPES
from sfr.emulator.catalogue.columns import Column, cell_sort_key
from sfr.emulator.catalogue.ids import full_id

Key = tuple[bool, str | float]

_LABELS = {
    "equals": "equals",
    "notEqual": "not equal to",
    "lessThan": "less than",
    "greaterThan": "greater than",
    "lessOrEqual": "less or equal",
    "greaterOrEqual": "greater or equal",
    "contains": "contains",
    "notContain": "does not contain",
    "startsWith": "starts with",
}
_EQUALITY = ("equals", "notEqual")
_ORDER = ("lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual")
_TEXT = ("contains", "notContain", "startsWith")
OPERATORS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "id": (*_EQUALITY, *_ORDER, "startsWith"),
        "boolean": _EQUALITY,
        **dict.fromkeys(("int", "double", "currency", "percent", "date", "datetime"), (*_EQUALITY, *_ORDER)),
        **dict.fromkeys(
            ("string", "textarea", "picklist", "reference", "email", "phone", "url"), (*_EQUALITY, *_ORDER, *_TEXT)
        ),
    }
)
"""The filter operators of each data type."""


class FilterError(ValueError):
    """A filter that Salesforce would reject; the text is the reason."""


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """One validated filter. values: as typed, split at commas outside quotes. keys: compared with those of cells."""

    column: Column
    operator: str
    values: tuple[str, ...]
    keys: tuple[Key, ...]

    def admits(self, row: int) -> bool:
        """Whether the row passes."""
        cell = self.column.cell(row)
        if self.operator in _TEXT:
            text = cell.text.casefold()
            wanted = [value.casefold() for value in self.values]
            if self.operator == "startsWith":
                return any(text.startswith(value) for value in wanted)
            return any(value in text for value in wanted) == (self.operator == "contains")
        key = cell_sort_key(cell, self.column.data_type)
        if self.operator in _EQUALITY:
            return (key in self.keys) == (self.operator == "equals")
        return key[0] and _COMPARISONS[self.operator](key, self.keys[0])


_COMPARISONS: Mapping[str, Callable[[Key, Key], bool]] = MappingProxyType(
    {
        "lessThan": lambda key, limit: key < limit,
        "greaterThan": lambda key, limit: key > limit,
        "lessOrEqual": lambda key, limit: key <= limit,
        "greaterOrEqual": lambda key, limit: key >= limit,
    }
)


def operators_of(data_type: str, *, ordered_ids: bool = True) -> tuple[str, ...]:
    """The operators of a data type. ordered_ids False: ids can only be compared for equality and by prefix."""
    if data_type == "id" and not ordered_ids:
        return (*_EQUALITY, "startsWith")
    return OPERATORS[data_type]


def operator_map(*, ordered_ids: bool) -> dict[str, list[dict[str, str]]]:
    """`dataTypeFilterOperatorMap` of describe."""
    return {
        data_type: [{"label": _LABELS[name], "name": name} for name in operators_of(data_type, ordered_ids=ordered_ids)]
        for data_type in OPERATORS
    }


def make_filter(columns: Mapping[str, Column], requested: Mapping[str, Any], *, ordered_ids: bool) -> ReportFilter:
    """A filter from `{"column", "operator", "value"}`. Raises FilterError."""
    column = columns.get(str(requested.get("column")))
    if column is None:
        raise FilterError(
            f"The column {requested.get('column')} in the filter is invalid: it is not in the report type."
        )
    operator = str(requested.get("operator"))
    if operator not in operators_of(column.data_type, ordered_ids=ordered_ids):
        raise FilterError(f"The filter operator {operator} is invalid for the column {column.name}.")
    raw = requested.get("value")
    values = _split("" if raw is None else str(raw))
    keys = tuple(_key(column, value) for value in values)
    if operator in _ORDER and len(values) != 1:
        raise FilterError(f"The filter value for {column.name} must be a single one.")
    return ReportFilter(column, operator, values, keys)


def date_key(column: Column, text: str) -> Key:
    """The key of a date or date-time, typed as `2026-09-08`, with a time, or as `9/8/2026`. Raises FilterError."""
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            day = datetime.strptime(text.strip(), form)
        except ValueError:
            continue
        return (True, day.strftime("%Y-%m-%d" if column.data_type == "date" else "%Y-%m-%dT00:00:00.000+0000"))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise FilterError(f"The filter value {text!r} for {column.name} is not a date.") from None
    return (True, moment.strftime("%Y-%m-%d" if column.data_type == "date" else "%Y-%m-%dT%H:%M:%S.000+0000"))


def _key(column: Column, text: str) -> Key:
    """The sort key of a typed value."""
    if text == "":
        return cell_sort_key(EMPTY, column.data_type)
    if column.data_type == "id":
        return (True, (full_id(text) if len(text) == 15 else text).casefold())
    if column.data_type in TEXT_TYPES:
        return (True, text.casefold())
    if column.data_type in ("date", "datetime"):
        return date_key(column, text)
    if column.data_type == "boolean":
        return (True, text.lower() in ("true", "1"))
    try:
        return (True, float(text.replace("$", "").replace("USD", "").replace("%", "").replace(",", "").strip()))
    except ValueError:
        raise FilterError(f"The filter value {text!r} for {column.name} is not a number.") from None


def _split(value: str) -> tuple[str, ...]:
    """Values separated by commas; one in double quotes may hold commas."""
    if not value:
        return ("",)
    return tuple(part.strip() for part in next(csv.reader([value.replace("\n", " ")], skipinitialspace=True)))
