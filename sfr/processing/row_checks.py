"""Checks the first and last rows of a report against its filters, where the cells' form can be read.

Proves nothing about the rows between; it detects filters that were not applied at all. Cells in a form that could mean
two things (dates in an unknown order, numbers with a comma) count only if no meaning meets the filter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation

from sfr.body.header import labels_of, start_of_text
from sfr.errors import ErrorKind, ReportError
from sfr.wording import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sfr.body.header import Header
    from sfr.model import ValueCheck

#: How much of each end of a report is kept, and how many of its rows are checked.
KEPT_BYTES = 64 * 1024
CHECKED_ROWS = 10

_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_DATES = frozenset({"date", "datetime"})
_TEXTS = frozenset({"string", "picklist", "textarea", "email", "phone", "url", "combobox", "reference"})
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?%?")
_SLASHES, _DOTS = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})"), re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_ORDER = {
    "lessThan": lambda value, limit: value < limit,
    "greaterThan": lambda value, limit: value > limit,
    "lessOrEqual": lambda value, limit: value <= limit,
    "greaterOrEqual": lambda value, limit: value >= limit,
}


@dataclass(slots=True)
class RowSample:
    """The first and last bytes of a report's data, and the rows in them."""

    header: Header
    encoding: str
    _head: bytes = b""
    _tail: bytes = b""
    _dropped_quotes: int = 0
    _is_cut: bool = field(default=False, init=False)

    def observed(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """Pass the blocks through, keeping the ends."""
        for block in blocks:
            if len(self._head) < KEPT_BYTES:
                self._head += block[: KEPT_BYTES - len(self._head)]
            tail = self._tail + block
            dropped, self._tail = tail[:-KEPT_BYTES], tail[-KEPT_BYTES:]
            self._dropped_quotes += dropped.count(b'"')
            self._is_cut = self._is_cut or bool(dropped)
            yield block

    def rows(self) -> list[list[str]]:
        """The first and last records, each with as many cells as the header."""
        head = self._head[start_of_text(self._head) :]
        first = self._records(head)[1:]
        last = first
        if self._is_cut:
            first = first[:-1]  # the kept part may end inside it
            last = self._records(self._tail_from_record())
        columns = len(labels_of(self.header, self.encoding))
        return [row for row in [*first[:CHECKED_ROWS], *last[-CHECKED_ROWS:]] if len(row) == columns]

    def _tail_from_record(self) -> bytes:
        """The tail from its first record's start; the number of quotes before it says what is inside quotes."""
        if not self.header.is_all_quoted:
            return b""
        quotes, position = self._dropped_quotes, 0
        while (end := self._tail.find(b"\n", position)) >= 0:
            quotes += self._tail.count(b'"', position, end)
            position = end + 1
            if quotes % 2 == 0:
                return self._tail[position:]
        return b""

    def _records(self, data: bytes) -> list[list[str]]:
        import csv
        import io

        text = io.StringIO(data.decode(self.encoding, "replace"), newline="")
        records: list[list[str]] = []
        try:
            records.extend(filter(None, csv.reader(text, delimiter=self.header.delimiter.decode())))
        except csv.Error:
            pass
        return records


def agreement(checks: tuple[ValueCheck, ...], sample: RowSample) -> str:
    """A sentence that names the filters with which the rows agree. Raises `ReportError` `invalid` for a violation."""
    labels = labels_of(sample.header, sample.encoding)
    rows = sample.rows()
    readable = []
    for check in checks:
        if labels.count(check.label) != 1:
            continue
        position = labels.index(check.label)
        verdicts = {row[position]: meets(check, row[position]) for row in rows}
        violating = next((cell for cell, verdict in verdicts.items() if verdict is False), None)
        if violating is not None:
            raise ReportError(
                ErrorKind.INVALID,
                f"Salesforce did not apply {check.name}: a row has {quoted(violating)} in the column "
                f"{quoted(check.label)}, where {check.operator} {quoted(', '.join(check.values))} was requested.",
                remedy="Use `route: analytics`, or put the filter into the report itself.",
            )
        if verdicts and None not in verdicts.values():
            readable.append(check.name)
    return f"The first and last rows agree with {' and '.join(readable)}." if readable else ""


def meets(check: ValueCheck, cell: str) -> bool | None:
    """Whether a cell meets the check; None where its form or the filter's cannot be read."""
    if any(value.startswith("$") for value in check.values):
        return None  # denotes something else: the current user
    if check.data_type in _TEXTS and check.operator != "between":
        return _text_meets(check, cell.strip().casefold())
    if not cell:
        return None
    if check.data_type in _NUMBERS:
        return _any_meets(check, _numbers(cell), [_numbers(value) for value in check.values])
    if check.data_type in _DATES:
        return _any_meets(check, _days(cell), [_days(value) for value in check.values])
    return None


def _text_meets(check: ValueCheck, text: str) -> bool | None:
    values = [value.strip().casefold() for value in check.values]
    match check.operator:
        case "equals":
            return text in values
        case "notEqual":
            return text not in values
        case "contains":
            return any(value in text for value in values)
        case "notContain":
            return not any(value in text for value in values)
        case "startsWith":
            return text.startswith(tuple(values))
    return None


def _any_meets(check: ValueCheck, readings: Sequence[Decimal], limits: Sequence[Sequence[Decimal]]) -> bool | None:
    """Whether one of the cell's readings meets the check; None if the cell or a limit has none."""
    if not readings or not all(limits):
        return None
    known = [limit[0] for limit in limits]
    match check.operator:
        case "equals":
            return any(value in known for value in readings)
        case "notEqual":
            return any(value not in known for value in readings)
        case "between" if len(known) == 2:
            return any(known[0] <= value <= known[1] for value in readings)
    compare = _ORDER.get(check.operator)
    return None if compare is None else any(compare(value, known[0]) for value in readings)


def _numbers(text: str) -> list[Decimal]:
    if not _PLAIN_NUMBER.fullmatch(text.strip()):
        return []
    try:
        return [Decimal(text.strip().rstrip("%"))]
    except InvalidOperation:
        return []


def _days(text: str) -> list[Decimal]:
    """The days, as ordinal numbers, that a text may mean: `9/8/2026` is one of two."""
    text = text.strip()
    if match := _ISO.match(text):
        orders = [(match[1], match[2], match[3])]
    elif match := _DOTS.match(text):
        orders = [(match[3], match[2], match[1])]
    elif match := _SLASHES.match(text):
        orders = [(match[3], match[1], match[2]), (match[3], match[2], match[1])]
    else:
        return []
    days = []
    for year, month, day in orders:
        try:
            days.append(Decimal(date(int(year), int(month), int(day)).toordinal()))
        except ValueError:
            continue
    return days
