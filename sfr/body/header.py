"""Reads the header record of a CSV body: its end, the CSV dialect, and the column labels.

Works on bytes, for encodings in which the bytes of quote, delimiters and line ends have no other meaning. Does not
check the records that follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
#: Maximum length of a header; a longer first record is something else.
MAX_HEADER_BYTES = 1024 * 1024

_QUOTED_CELL = re.compile(rb'"[^"]*+(?:""[^"]*+)*+"')
_PLAIN_REST = re.compile(rb"[^,;\t\r\n]*+")


@dataclass(frozen=True, slots=True)
class Header:
    """The first record of a body that is not an empty line."""

    #: The record as received, without byte order mark and line end.
    record: bytes
    #: `,`, `;` or tab; `,` if there is only one column.
    delimiter: bytes
    #: Of the header itself; LF if the body ends with the header.
    line_end: bytes
    #: True if every label is properly quoted: Salesforce's dialect.
    is_all_quoted: bool


def read_header(head: bytes, *, is_whole: bool) -> Header | None:
    """The header at the start of a body, or None if `head` is too short to find its end.

    is_whole: True if nothing follows `head`; then there is always a header, possibly empty or unterminated.
    """
    start = start_of_text(head)
    start += len(head) - start - len(head[start:].lstrip(b"\r\n"))
    position, delimiter, is_all_quoted = start, b"", True
    while True:
        cell_end, is_quoted = _cell_end(head, position, delimiter)
        is_all_quoted = is_all_quoted and is_quoted
        if cell_end is None or cell_end == len(head):
            if not is_whole:
                return None
            return Header(head[start:], delimiter or b",", b"\n", is_all_quoted)
        byte = head[cell_end : cell_end + 1]
        if byte in b"\r\n":
            if byte == b"\r" and cell_end + 1 == len(head) and not is_whole:
                return None
            line_end = b"\r\n" if head[cell_end : cell_end + 2] == b"\r\n" else byte
            return Header(head[start:cell_end], delimiter or b",", line_end, is_all_quoted)
        delimiter = byte
        position = cell_end + 1


def start_of_text(head: bytes) -> int:
    """The position of the text of a body: after a byte order mark, if there is one."""
    return len(BYTE_ORDER_MARK) if head.startswith(BYTE_ORDER_MARK) else 0


def _cell_end(head: bytes, position: int, delimiter: bytes) -> tuple[int | None, bool]:
    """The end of the cell at `position` (None: inside quotes), and whether it is a properly quoted cell."""
    is_quoted = head[position : position + 1] == b'"'
    if is_quoted:
        cell = _QUOTED_CELL.match(head, position)
        if cell is None:
            return None, True
        position = cell.end()
    end = position
    while True:
        rest = _PLAIN_REST.match(head, end)
        end = rest.end() if rest else end
        byte = head[end : end + 1]
        if not byte or byte in b"\r\n" or byte == (delimiter or byte):
            return end, is_quoted and end == position
        end += 1


def labels_of(header: Header, encoding: str) -> tuple[str, ...]:
    """The column labels; undecodable bytes are replaced, since labels are only informative."""
    return tuple(cells_of(header.record.decode(encoding, errors="replace"), header.delimiter.decode()))


def cells_of(record: str, delimiter: str) -> list[str]:
    """The cells of one record; the record as a single cell if the csv module rejects it."""
    import csv
    import io

    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return [record]


def unique_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels that are usable as field names: a repeated one becomes `Label_2`, `Label_3` …, an empty one `Label`."""
    taken = set(labels)
    seen: set[str] = set()
    unique = []
    for label in labels:
        base = label or "Label"
        name, number = base, 1
        while name in seen or (number > 1 and name in taken):
            number += 1
            name = f"{base}_{number}"
        seen.add(name)
        unique.append(name)
    return tuple(unique)
