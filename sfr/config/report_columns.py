"""The columns of the report list, and the matching of header rows against them."""

from __future__ import annotations

from collections.abc import Sequence

from sfr.model import SFDC, SOQL
from sfr.odd_characters import without_odd_characters
from sfr.salesforce.report_ids import parse_report_id
from sfr.wording import did_you_mean, listed, quoted

#: The five columns of the original SFR, in order.
ORIGINAL_COLUMNS = ("report_type", "report_file_name", "report_id", "report_path", "optional_export_params")
OPTIONAL_COLUMNS = (
    "format",
    "route",
    "footer",
    "min_rows",
    "max_drop_pct",
    "columns",
    "may_be_empty",
    "soql",
    "deliver",
    "table",
)
#: Columns of names separated by blanks; in `reports.items` also a list.
LIST_COLUMNS = frozenset({"deliver"})
COLUMNS = ORIGINAL_COLUMNS + OPTIONAL_COLUMNS

REPORT_TYPES = (SFDC, SOQL)
_NEEDED = ("report_type", "report_file_name")
EXPECTED_HEADER = f"expected the header {','.join(ORIGINAL_COLUMNS)}"


def _is_report_id(text: str) -> bool:
    try:
        return bool(parse_report_id(text))
    except ValueError:
        return False


def match_header(cells: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
    """The column names of a non-empty header row, and its problems (an empty list if there are none).

    Names are case-insensitive. If no name is known, the columns are the original SFR's five, in
    order. Trailing empty names, as spreadsheets leave them, are dropped.
    """
    names = [without_odd_characters(cell).strip().casefold() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        return (), [f"the header row has no names; {EXPECTED_HEADER}"]
    # `soql` is also a column name: next to other column names it is one.
    is_soql_column = cells[0].strip() == "soql" and any(name in COLUMNS for name in names[1:])
    if (names[0].upper() in REPORT_TYPES and not is_soql_column) or any(map(_is_report_id, cells)):
        return (), [f"the header row is missing: this row is a report already; {EXPECTED_HEADER}"]
    if len(names) == 1 and any(separator in names[0] for separator in ";\t|"):
        return (), [f"the columns are not separated by commas; {EXPECTED_HEADER}"]
    if not any(name in COLUMNS for name in names):
        return _match_original(names)
    problems = [_describe_unknown(name, number) for number, name in enumerate(names, 1) if name not in COLUMNS]
    for number, name in enumerate(names):
        if name in COLUMNS and name in names[:number]:
            problems.append(f"the column `{name}` comes twice; expected it once")
    problems += _describe_missing(names) if not problems else []
    return tuple(names), problems


def _match_original(names: list[str]) -> tuple[tuple[str, ...], list[str]]:
    """The original columns, in order, for a header without known names, if their number fits."""
    if 3 <= len(names) <= len(ORIGINAL_COLUMNS):
        return ORIGINAL_COLUMNS[: len(names)], []
    return (), [
        f"no column name is known, and {len(names)} columns are not the original three to five; {EXPECTED_HEADER}"
    ]


def _describe_unknown(name: str, number: int) -> str:
    if not name:
        return f"column {number} has no name; expected one of {listed(COLUMNS)}"
    return f"unknown column {quoted(name)}{did_you_mean(name, COLUMNS) or f'; expected some of {listed(COLUMNS)}'}"


def _describe_missing(names: list[str]) -> list[str]:
    missing = [name for name in _NEEDED if name not in names]
    if "report_id" not in names and "soql" not in names:
        missing.append("report_id")
    return [f"the column `{name}` is missing; {EXPECTED_HEADER}" for name in missing]
