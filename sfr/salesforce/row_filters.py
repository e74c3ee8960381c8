"""Parses the report list's `filters`: other values for a report's own filters, its date range and its scope. Pure.

    2=Closed Won; date=CLOSE_DATE:2026-01-01..2026-01-31; scope=organization

Does not know which filters a report has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from sfr.odd_characters import describe_character, odd_character
from sfr.wording import did_you_mean, quoted

DATE, SCOPE = "date", "scope"
EXPECTED = "expected entries such as `2=Closed Won; date=CREATED_DATE:{month_start}..{run_date}; scope=organization`"
#: No report has as many filters; a longer number is a value in the wrong place.
_NUMBER = re.compile(r"[0-9]{1,3}")
_SEPARATOR = re.compile(r"(?<!\\);")
_COLUMN = re.compile(r"[A-Za-z0-9_.$]+")
_SCOPE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class DateRange:
    """A range for the standard date filter: ISO dates, both inclusive."""

    #: Empty: the column of the report's own date filter.
    column: str
    first: str
    last: str

    def __str__(self) -> str:
        return f"{self.column}:{self.first}..{self.last}" if self.column else f"{self.first}..{self.last}"


@dataclass(frozen=True, slots=True)
class RowFilters:
    """The filters requested by a row of the list."""

    #: Number of a filter, from 1, and its value; in ascending order.
    values: tuple[tuple[int, str], ...] = ()
    dates: DateRange | None = None
    #: Empty: the report's own.
    scope: str = ""

    def __str__(self) -> str:
        """As the list has it, in a fixed order, so that equal filters have equal texts."""
        entries = {str(number): value for number, value in self.values}
        if self.dates is not None:
            entries[DATE] = str(self.dates)
        if self.scope:
            entries[SCOPE] = self.scope
        return filters_text(entries)


#: A row without `filters`: the report as saved.
NO_FILTERS = RowFilters()


def filters_text(entries: Mapping[str, str]) -> str:
    """The entries as one text, each `;` in a value escaped.

    Raises ValueError with what is expected if a name is none, but would be read as an entry with a value.
    """
    if any("=" in name for name in entries):
        raise ValueError("a filter's number from 1, `date` or `scope` as the name of each entry, without `=`")
    escaped = [f"{name}={value}".replace(";", r"\;") for name, value in entries.items()]
    # A backslash at the end of a value must not escape the separator; blanks around values do not count.
    return "; ".join(text + " " if text.endswith("\\") else text for text in escaped).rstrip(" ")


def parse_row_filters(text: str, fill_dates: Callable[[str], str] = str) -> RowFilters:
    """Parse `filters`; an empty text has none. fill_dates: fills in dates, raising ValueError.

    Raises ValueError with a message that says what is wrong and what is expected.
    """
    if not text.strip():
        return NO_FILTERS
    odd = odd_character(text)
    if odd is not None:
        raise ValueError(f"has {describe_character(odd)}; {EXPECTED}, on one line")
    values: dict[int, str] = {}
    others: dict[str, str] = {}
    for entry in filter(None, (part.strip() for part in _SEPARATOR.split(text))):
        name, equals, value = entry.partition("=")
        name, value = name.strip(), fill_dates(value.strip().replace(r"\;", ";"))
        if not equals:
            raise ValueError(f"has {quoted(entry)} without a `=`; {EXPECTED} (a `;` within a value is written `\\;`)")
        key = _key_of(name)
        if key in values or key in others:
            raise ValueError(f"sets {quoted(name)} twice; expected it once")
        if isinstance(key, int):
            values[key] = value
        else:
            others[key] = value
    dates = _parse_dates(others[DATE]) if DATE in others else None
    return RowFilters(tuple(sorted(values.items())), dates, _parse_scope(others[SCOPE]) if SCOPE in others else "")


def _key_of(name: str) -> int | str:
    if _NUMBER.fullmatch(name):
        if not int(name):
            raise ValueError("numbers a filter 0; expected 1 for the first filter, as the report's page shows them")
        return int(name)
    if name.casefold() in (DATE, SCOPE):
        return name.casefold()
    hint = did_you_mean(name, (DATE, SCOPE)) or "; expected a filter's number from 1, `date` or `scope`"
    raise ValueError(f"has the unknown entry {quoted(name)}{hint}")


def _parse_dates(text: str) -> DateRange:
    column, colon, span = text.rpartition(":")
    first, dots, last = (part.strip() for part in span.partition(".."))
    expected = "expected `date=FROM..TO` or `date=COLUMN:FROM..TO` with ISO dates, such as 2026-01-01..2026-01-31"
    if not dots or (colon and not _COLUMN.fullmatch(column.strip())):
        raise ValueError(f"has the date range {quoted(text)}; {expected}")
    for day in (first, last):
        if not is_iso_date(day):
            raise ValueError(f"has {quoted(day)} in place of a date; {expected}")
    if first > last:
        raise ValueError(f"has a date range that ends before it begins: {quoted(span)}")
    return DateRange(column.strip(), first, last)


def is_iso_date(text: str) -> bool:
    """Whether it is an existing day, as `2026-01-31`."""
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _parse_scope(text: str) -> str:
    if not _SCOPE_NAME.fullmatch(text):
        raise ValueError(f"has the scope {quoted(text)}; expected a name such as `organization` or `mine`")
    return text
