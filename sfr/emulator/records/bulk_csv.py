"""The CSV of Bulk API 2.0 results."""

from __future__ import annotations

from collections.abc import Iterator

from sfr.emulator.records.soql_run import Selection

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDS = {"LF": "\n", "CRLF": "\r\n"}
_BLOCK_ROWS = 1000


def csv_page(selection: Selection, start: int, end: int, delimiter_name: str, line_end_name: str) -> Iterator[bytes]:
    """The header record and the rows from start up to end, in blocks; every cell is quoted, empty ones too."""
    delimiter, line_end = DELIMITERS[delimiter_name], LINE_ENDS[line_end_name]

    def line(texts: Iterator[str]) -> str:
        return delimiter.join('"' + text.replace('"', '""') + '"' for text in texts) + line_end

    yield line(field.name for field in selection.fields).encode()
    for first in range(start, end, _BLOCK_ROWS):
        rows = selection.rows[first : min(first + _BLOCK_ROWS, end)]
        yield "".join(line(_text(field.value(row)) for field in selection.fields) for row in rows).encode()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text.removesuffix("+0000") + "Z" if text.endswith(".000+0000") else text
