"""Selects the column that a report is sliced by, or explains why it cannot be sliced. Pure.

Limits of the API: salesforce-facts.md §3.
"""

from __future__ import annotations

from collections.abc import Sequence

from sfr.salesforce.routes.analytics.description import ID, Column, Description, items
from sfr.salesforce.routes.analytics.ordering import is_numbered
from sfr.salesforce.routes.analytics.plan import GREATER, ROUTE_CLASSIC, has_row_limit, invalid
from sfr.salesforce.routes.analytics.run_result import Row
from sfr.wording import quoted

#: The API's maximum of custom filters per report.
MAX_FILTERS = 20
#: Maximum of record id columns tried as keys.
MAX_KEYS = 3


def key_columns(description: Description, rows: Sequence[Row]) -> tuple[Column, ...]:
    """Candidate key columns, all of one data type: record ids, the report's own first, or else one of record numbers.

    rows: those of the flat run. Raises `ReportError` if the report cannot be sliced.
    """
    _refuse_unsliceable(description)
    own = [column for column in description.exported if _is_record_id(column)]
    others = [column for column in description.type_columns if _is_record_id(column)]
    found = {column.name: column for column in (*own, *others)}.values()
    usable = [
        column
        for column in found
        if column.is_filterable and GREATER in description.operators.get(column.data_type, ())
    ]
    usable = usable[:MAX_KEYS] or _numbered_columns(description, rows)
    if usable:
        return tuple(usable)
    begin = "The report has more rows than the API returns at once, and "
    if not found:
        raise invalid(
            f"{begin}has no column to slice it by: its report type "
            f"{quoted(description.type_name)} has no record id column (one of the data type `id`, such as `Case ID`), "
            "and the report has no column of record numbers.",
            "Add the record's id to the report type's layout, or a record number (auto number) as a column to the "
            f"report, or narrow its filters. {ROUTE_CLASSIC}, or fetch the records as SOQL.",
        )
    names = ", ".join(f"`{column.name}` ({column.data_type})" for column in found)
    raise invalid(
        f"{begin}its record id columns cannot be filtered by `{GREATER}`: {names}.",
        f"{ROUTE_CLASSIC}, fetch the records as SOQL, or narrow the report's filters.",
    )


def _numbered_columns(description: Description, rows: Sequence[Row]) -> list[Column]:
    """The report's first column of unique texts such as `00001234`."""
    return [
        column
        for position, column in enumerate(description.exported)
        if column.data_type == "string"
        and column.is_filterable
        and GREATER in description.operators.get(column.data_type, ())
        and rows
        and is_numbered([row.texts[position] for row in rows])
    ][:1]


def _is_record_id(column: Column) -> bool:
    """Whether it is a record's own id. Formulas with 18-character ids sort and filter differently: rows would be lost.

    Source: Salesforce Help, article 005321970 (`CASESAFEID` as a paging column).
    """
    return column.data_type == ID


def _refuse_unsliceable(description: Description) -> None:
    metadata = description.metadata
    filters = len(items(metadata.get("reportFilters")))
    what = ""
    if has_row_limit(description):
        what = "a row limit"
    elif items(metadata.get("crossFilters")):
        what = "cross filters"
    elif filters >= MAX_FILTERS:
        what = f"{filters} filters, while the API allows {MAX_FILTERS} and one more is needed"
    if what:
        raise invalid(
            f"The report has more rows than the API returns at once, and cannot be fetched in slices: it has {what}.",
            f"Remove that from the report, or narrow its filters. {ROUTE_CLASSIC}.",
        )
