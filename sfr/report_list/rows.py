"""Reads rows from CSV files, `--report` values, `reports.items` and Python mappings. Does not validate cells."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sfr.config.org_settings import ReportItem
from sfr.config.report_columns import COLUMNS, EXPECTED_HEADER, LIST_COLUMNS, ORIGINAL_COLUMNS, match_header
from sfr.config.text_file import NotTextError, decode_text
from sfr.salesforce.row_filters import filters_text
from sfr.storage.user_files import read_bounded
from sfr.wording import did_you_mean, listed, quoted, shown

#: Stripped around cells; nothing else is, so that stray control characters are detected.
_BLANKS = " \t"
#: Enough for 100,000 reports; without a limit `/dev/zero` would fill the memory.
MAX_LIST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list: cells by column name, without surrounding spaces."""

    #: `input/reports.csv:3`, `--report 2`, `conf/prod.yaml:12: reports.items[0]`, `reports[1]`.
    place: str
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    def describe(self, column: str, problem: str) -> str:
        """The message about a problem with one cell."""
        return f"{self.place}: {column}: {problem}"


#: What a cell may be in Python.
_SCALARS = (str, int, float, os.PathLike, type(None))


class _Lines:
    """The lines of a list, for `csv.reader`: skips comments and blank lines between records."""

    def __init__(self, text: str) -> None:
        # newline="" keeps newlines inside quoted cells unchanged.
        self._lines = iter(io.StringIO(text, newline=""))
        self._is_between_records = True
        self.number = 0
        self.first_of_record = 0
        #: The first line of the record, as in the file.
        self.text_of_record = ""

    def begin_record(self) -> None:
        self._is_between_records = True

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        while True:
            line = next(self._lines)
            self.number += 1
            if self._is_between_records and (not line.strip() or line.lstrip(_BLANKS).startswith("#")):
                continue
            if self._is_between_records:
                self.first_of_record = self.number
                self.text_of_record = line
            self._is_between_records = False
            return line


def _records(text: str, place: str, problems: list[str]) -> Iterator[tuple[int, list[str], str]]:
    """(line, cells, first line as text) of every record; stops at the first invalid one, after adding the problem."""
    lines = _Lines(text)
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    is_first = True
    while True:
        lines.begin_record()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            shape = _shape_of(lines.text_of_record, [], is_header=is_first)
            problems.append(f"{place}:{lines.first_of_record}: {shape or _describe_csv_error(error)}")
            return
        is_first = False
        yield lines.first_of_record, [cell.strip(_BLANKS) for cell in cells], lines.text_of_record


def _shape_of(text: str, cells: Sequence[str], *, is_header: bool) -> str | None:
    """What is wrong with a line that does not look like a header or row of cells; None otherwise."""
    if is_header and any(cell.casefold() in COLUMNS for cell in cells):
        return None
    if not is_header and sum(map(bool, cells)) > 1 and text.lstrip()[:1] not in "“”„«»‘’‚‹›＂|│":
        return None
    from sfr.report_list.list_shapes import shape_of_line  # loaded only for invalid lists

    return shape_of_line(text, is_header=is_header)


def _describe_csv_error(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return 'the row has an open quote; expected a closing `"`'
    if "expected after" in text:
        return 'the row has text after a closing quote; expected a comma (a quote inside a cell is written `""`)'
    return f"the row is not valid CSV ({text})"


def rows_of_text(text: str, place: str, problems: list[str]) -> list[Row]:
    """The rows of a CSV text with a header; problems are added to `problems`."""
    rows: list[Row] = []
    columns: tuple[str, ...] | None = None
    for line, cells, as_written in _records(text, place, problems):
        if not any(cells):
            continue
        shape = _shape_of(as_written, cells, is_header=columns is None)
        if shape:
            problems.append(f"{place}:{line}: {shape}")
            if columns is None:
                return []
            continue
        if columns is None:
            columns, wrong = match_header(cells)
            if wrong:
                problems += [f"{place}:{line}: {problem}" for problem in wrong]
                return []
            continue
        row = Row(f"{place}:{line}", dict(zip(columns, cells, strict=False)))
        extra = [cell for cell in cells[len(columns) :] if cell]
        if extra:
            problems.append(
                f"{row.place}: has {len(cells)} cells where the header has {len(columns)}: {quoted(extra[0])} is too "
                "many; expected quotes around a cell that contains a comma"
            )
        rows.append(row)
    if columns is None and not problems:
        problems.append(f"{place}: contains no report; {EXPECTED_HEADER} and at least one row")
    return rows


def rows_of_file(path: str, problems: list[str]) -> list[Row]:
    """The rows of a CSV file (UTF-8, with or without a byte order mark)."""
    place = shown(_shortest(path), 300)
    try:
        raw = read_bounded(path, MAX_LIST_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.append(f"{place}: cannot be read: {reason}; expected a report list, a CSV file")
        return []
    if len(raw) > MAX_LIST_BYTES:
        problems.append(f"{place}: is larger than {MAX_LIST_BYTES:,} bytes; expected a report list, a CSV file")
        return []
    try:
        return rows_of_text(decode_text(raw), place, problems)
    except NotTextError as error:
        problems.append(f'{place}:{error.line}: {error}; a report list is a CSV file ("CSV UTF-8" in Excel)')
        return []


def _shortest(path: str) -> str:
    """The path as a user would write it: relative if the file is below the working directory."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def rows_of_arguments(arguments: Sequence[str], problems: list[str]) -> list[Row]:
    """The rows of `--report "TYPE,NAME,ID,PATH[,PARAMS]"` values."""
    rows: list[Row] = []
    for number, argument in enumerate(arguments, 1):
        place = "--report" if len(arguments) == 1 else f"--report {number}"
        found: list[str] = []
        records = [cells for _, cells, _ in _records(argument.strip("\r\n"), place, found)]
        expected = 'expected "TYPE,NAME,ID,PATH[,PARAMS]", with quotes around a value that contains a comma'
        if found or len(records) != 1 or not 3 <= len(records[0]) <= len(ORIGINAL_COLUMNS):
            problems.append(f"{place}: {quoted(argument)} is invalid; {expected}")
        else:
            rows.append(Row(place, dict(zip(ORIGINAL_COLUMNS, records[0], strict=False))))
    return rows


def rows_of_items(items: Sequence[ReportItem]) -> list[Row]:
    """The rows of `reports.items`; their keys were validated with the configuration."""
    return [Row(item.place, {name: value.strip(_BLANKS) for name, value in item.cells.items()}) for item in items]


def rows_of_mappings(mappings: Sequence[Mapping[str, object]], problems: list[str]) -> list[Row]:
    """The rows of `sfr.run(reports=[…])`: numbers, booleans and paths become texts, None an empty cell."""
    rows: list[Row] = []
    given: Sequence[object] = mappings
    for number, mapping in enumerate(given):
        place = f"reports[{number}]"
        if not isinstance(mapping, Mapping):
            problems.append(f"{place}: expected a mapping with column names as keys, found {type(mapping).__name__}")
            continue
        cells: dict[str, str] = {}
        for name, value in mapping.items():
            if name not in COLUMNS:
                near = did_you_mean(str(name), COLUMNS) or f"; expected some of {listed(COLUMNS)}"
                problems.append(f"{place}: unknown key {quoted(str(name))}{near}")
            elif name == "filters" and isinstance(value, Mapping):
                cells[name] = _filters(place, value, problems)
            elif (
                name in LIST_COLUMNS and isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
            ):
                cells[name] = " ".join(value)
            elif isinstance(value, _SCALARS):
                cells[name] = _cell(value).strip(_BLANKS)
            else:
                problems.append(f"{place}: {name}: expected text, found {type(value).__name__}")
        rows.append(Row(place, cells))
    return rows


def _filters(place: str, entries: Mapping[object, object], problems: list[str]) -> str:
    """`filters` as a mapping becomes the list's text."""
    wrong = [key for key, entry in entries.items() if not isinstance(entry, _SCALARS)]
    problems += [f"{place}: filters: expected one text for {quoted(str(key))}" for key in wrong]
    try:
        return filters_text({str(key): _cell(entry) for key, entry in entries.items() if key not in wrong})
    except ValueError as error:
        problems.append(f"{place}: filters: expected {error}")
        return ""


def _cell(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
