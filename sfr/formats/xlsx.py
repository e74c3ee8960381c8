"""Writes `xlsx`: a workbook with one sheet, row by row, by XlsxWriter (the extra `sfr[xlsx]`).

Cells are texts, unless `types: infer` is set: then each cell that is a number or an ISO date by its form becomes one.
No cell ever becomes a formula or a link. A report that a sheet cannot hold is refused, never cut.
"""

from __future__ import annotations

import re

from sfr.body.header import labels_of
from sfr.errors import ErrorKind, ReportError
from sfr.formats.base import Format, Layout, Sink
from sfr.formats.text_records import text_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from sfr.formats.workbook import OneSheetWorkbook

#: Records beside the header, columns, and characters of a cell (UTF-16 units) that Excel holds.
MAX_RECORDS = 1_048_575
MAX_COLUMNS = 16_384
MAX_CELL_CHARS = 32_767
MAX_SHEET_NAME_CHARS = 31

#: Whole numbers and decimals without leading zeros; Excel keeps 15 digits.
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
MAX_DIGITS = 15
_DATE = re.compile(r"(?:19|[2-9][0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}")
DATE_FORMAT = "yyyy-mm-dd"
#: Widths of columns in characters: wide enough for a date, no wider than what a label needs.
MIN_WIDTH, MAX_WIDTH, FILTER_BUTTON_WIDTH = 12, 60, 4
#: What XlsxWriter returns for a cell that it left out, or cut.
_OUTSIDE, _CUT = -1, -2
_REMEDY = "Save the report as `csv`, `csv.gz` or `parquet`, which have no such limit, or narrow its filters."


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:
    """Write the records. Raises ReportError `invalid` for more of them, or longer ones, than a sheet holds."""
    from sfr.formats.workbook import OneSheetWorkbook

    labels = labels_of(layout.header, layout.encoding)
    if len(labels) > MAX_COLUMNS:
        raise _too_much(f"The report has {len(labels):,} columns, but a sheet of Excel holds {MAX_COLUMNS:,}.")
    stream = SinkStream(sink)
    book = OneSheetWorkbook(stream, sheet_name(layout.name), layout.scratch_start)
    try:
        _write_header(book, labels)
        rows = _Rows(book, layout.types == "infer")
        for record in text_records(blocks, layout):
            rows.write(record)
        if labels:
            book.sheet.autofilter(0, 0, rows.number, len(labels) - 1)
        book.finish()
    finally:
        stream.end()
        book.discard()


def missing_extra() -> str | None:
    """What to install, if XlsxWriter is missing."""
    from importlib.util import find_spec

    if find_spec("xlsxwriter") is None:
        from sfr.wording import how_to_install

        return f"The format `xlsx` needs the package XlsxWriter: {how_to_install('xlsx')}"
    return None


def sheet_name(name: str) -> str:
    """The report's name as Excel allows it for a sheet."""
    kept = re.sub(r"[\[\]:*?/\\]", "", name)
    kept = kept.encode("utf-16-le", "replace")[: 2 * MAX_SHEET_NAME_CHARS].decode("utf-16-le", "ignore").strip(" '")
    if kept.casefold() == "history":  # Excel's own
        return f"{kept}_"
    return kept or "Report"


def _write_header(book: OneSheetWorkbook, labels: tuple[str, ...]) -> None:
    bold = book.add_format({"bold": True})
    book.sheet.freeze_panes(1, 0)
    for column, label in enumerate(labels):
        width = min(max(len(label) + FILTER_BUTTON_WIDTH, MIN_WIDTH), MAX_WIDTH)
        book.sheet.set_column(column, column, width)
    for column, label in enumerate(labels):
        if book.sheet.write_string(0, column, label, bold) == _CUT:
            raise _too_much(f"The label of column {column + 1:,} has {_more_chars()}.")


class _Rows:
    """Writes records below the header."""

    def __init__(self, book: OneSheetWorkbook, is_inferring: bool) -> None:
        self.number = 0
        self._write_cell: Callable[[int, int, str], int] = book.sheet.write_string
        if is_inferring:
            self._write_cell = _TypedCells(book).write

    def write(self, record: list[str]) -> None:
        """Write one record. Raises ReportError `invalid` if the sheet cannot hold it."""
        row = self.number = self.number + 1
        write_cell = self._write_cell
        if row > MAX_RECORDS:
            raise _too_much(f"The report has more than {MAX_RECORDS:,} rows, the most that a sheet of Excel holds.")
        if not any(record):
            write_cell(row, 0, "")  # keeps the row: a sheet ends with its last cell
        for column, cell in enumerate(record):
            if cell and (code := write_cell(row, column, cell)):
                raise _refused(code, row, column)


class _TypedCells:
    """Writes cells as numbers and dates where their text is one."""

    def __init__(self, book: OneSheetWorkbook) -> None:
        from datetime import date

        self._parse_date = date.fromisoformat
        self._sheet = book.sheet
        self._date_format = book.add_format({"num_format": DATE_FORMAT})

    def write(self, row: int, column: int, cell: str) -> int:
        """Write one cell; returns XlsxWriter's code."""
        code: int
        if _NUMBER.fullmatch(cell) and sum(map(str.isdigit, cell)) <= MAX_DIGITS:
            code = self._sheet.write_number(row, column, float(cell))
        elif _DATE.fullmatch(cell) and (date := self._date_of(cell)) is not None:
            code = self._sheet.write_datetime(row, column, date, self._date_format)
        else:
            code = self._sheet.write_string(row, column, cell)
        return code

    def _date_of(self, cell: str) -> Any:
        try:
            return self._parse_date(cell)
        except ValueError:  # the 30th of February
            return None


def _refused(code: int, row: int, column: int) -> ReportError:
    if code == _CUT:
        return _too_much(f"The cell in record {row:,}, column {column + 1:,} has {_more_chars()}.")
    where = f"record {row:,}, column {column + 1:,}"
    return _too_much(f"The cell in {where} lies outside a sheet of Excel or cannot be one of its values.")


def _more_chars() -> str:
    return f"more than {MAX_CELL_CHARS:,} characters, the most that a cell of Excel holds"


def _too_much(message: str) -> ReportError:
    return ReportError(ErrorKind.INVALID, message, remedy=_REMEDY)


class SinkStream:
    """Adapts a sink to the file object that a ZIP is written to; it cannot seek.

    Not one of `io`: those close themselves when they are garbage-collected, maybe before the ZIP, which then fails.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink: Sink | None = sink
        self._position = 0

    def write(self, block: Any) -> int:
        """Write all of it."""
        if self._sink is not None:
            self._sink.write(bytes(block))
        self._position += len(block)
        return len(block)

    def tell(self) -> int:
        """How much was written."""
        return self._position

    def flush(self) -> None:
        """Nothing is buffered."""

    def end(self) -> None:
        """Ignore what comes from now on: a ZIP that failed writes its directory when it is garbage-collected."""
        self._sink = None


XLSX = Format("xlsx", write, missing_extra)
