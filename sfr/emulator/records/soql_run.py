"""Runs a query: selects and sorts rows of a table. Rows are numbers; no data is copied."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sfr.emulator.catalogue.cells import Raw
from sfr.emulator.catalogue.ids import short_id
from sfr.emulator.records.soql_parser import Comparison, Condition, OrderKey, Query, Value, parse
from sfr.emulator.records.soql_tables import Database, Field, SoqlTable, find_table
from sfr.emulator.records.soql_tokens import SoqlError

Predicate = Callable[[int], bool]
_TEXT_KINDS = frozenset({"string", "textarea", "picklist", "reference", "id"})


@dataclass(frozen=True, slots=True)
class Selection:
    """The result: rows of a table and the fields to show."""

    query: Query
    table: SoqlTable
    fields: tuple[Field, ...]
    rows: Sequence[int]


def select(database: Database, text: str) -> Selection:
    """Run a query. Raises SoqlError with Salesforce's errorCode."""
    query = parse(text)
    table = find_table(database, query.table)
    if table is None:
        raise SoqlError("INVALID_TYPE", f"{text}\nsObject type '{query.table}' is not supported.")
    names = query.fields if query.count in (None, "()") else (query.count,)
    fields = tuple(field for name in names for field in _fields(table, name))
    rows: Sequence[int] = range(table.rows)
    if query.where is not None:
        meets = _predicate(table, query.where)
        rows = [row for row in rows if meets(row)]
    if query.order:
        rows = _ordered(table, rows, query.order)
    end = None if query.limit is None else query.offset + query.limit
    return Selection(query, table, fields, rows[query.offset : end])


def _fields(table: SoqlTable, name: str) -> list[Field]:
    if name == "FIELDS()":
        return [field for key, field in table.fields.items() if "." not in key]
    return [_field(table, name)]


def _field(table: SoqlTable, name: str) -> Field:
    key = name.lower().removeprefix(f"{table.name.lower()}.")
    field = table.fields.get(key)
    if field is None:
        raise SoqlError(
            "INVALID_FIELD",
            f"No such column '{name}' on entity '{table.name}'. If you are attempting to use a custom field, be "
            "sure to append the '__c' after the custom field name.",
        )
    return field


def _ordered(table: SoqlTable, rows: Sequence[int], order: tuple[OrderKey, ...]) -> list[int]:
    """Sorts by the last key first, since sorting is stable."""
    result = list(rows)
    for key in reversed(order):
        field = _field(table, key.field)
        empty = [row for row in result if field.value(row) is None]
        filled = [row for row in result if field.value(row) is not None]
        filled.sort(key=partial(_order_value, field), reverse=key.descending)
        result = [*filled, *empty] if key.nulls_last else [*empty, *filled]
    return result


def _order_value(field: Field, row: int) -> str | float:
    value = field.value(row)
    return value.casefold() if isinstance(value, str) else value or 0


def _predicate(table: SoqlTable, condition: Condition) -> Predicate:
    if isinstance(condition, Comparison):
        return _comparison(_field(table, condition.field), condition)
    parts = [_predicate(table, part) for part in condition.parts]
    if condition.operator == "not":
        return lambda row: not parts[0](row)
    if condition.operator == "and":
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def _comparison(field: Field, comparison: Comparison) -> Predicate:
    operator = comparison.operator
    if operator == "like":
        pattern = _like(str(comparison.values[0]))
        return lambda row: pattern.fullmatch(str(field.value(row) or "")) is not None
    wanted = [_comparable(field, value) for value in comparison.values]
    if operator in ("in", "not in"):
        return lambda row: (_comparable(field, field.value(row)) in wanted) == (operator == "in")
    first = wanted[0]
    if operator in ("=", "!="):
        return lambda row: (_comparable(field, field.value(row)) == first) == (operator == "=")
    return lambda row: _is_ordered(_comparable(field, field.value(row)), operator, first)


def _is_ordered(value: Raw, operator: str, limit: Raw) -> bool:
    if value is None or limit is None:
        return False
    if isinstance(value, str) and isinstance(limit, str):
        order = (value > limit) - (value < limit)
    elif isinstance(value, str) or isinstance(limit, str):
        raise SoqlError("INVALID_FIELD", "the value of a filter criterion does not fit the type of its field")
    else:
        order = (value > limit) - (value < limit)
    return {"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator]


def _comparable(field: Field, value: Value) -> Raw:
    """The form in which a value is compared: text case-insensitively, ids by 15 characters, date-times normalised."""
    if not isinstance(value, str):
        return value
    if field.kind in ("id", "reference"):
        return short_id(value) or value
    if field.kind == "datetime":
        return re.sub(r"\.\d+", "", value).replace("Z", "+0000").replace("+00:00", "+0000")
    return value.casefold() if field.kind in _TEXT_KINDS else value


def _like(pattern: str) -> re.Pattern[str]:
    translated = "".join({"%": ".*", "_": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(translated, re.IGNORECASE | re.DOTALL)
