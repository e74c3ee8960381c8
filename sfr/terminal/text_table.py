"""A table of plain text that fits a width: the columns of figures keep theirs, one column of words gives way."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sfr.escaping.invisible import escape_invisible
from sfr.terminal.figures import UNKNOWN, UNKNOWN_ASCII
from sfr.terminal.text import can_encode, pad, shorten, text_width

GAP = "  "
NARROWEST_WORDS = 10
#: Sentences in wider lines are hard to read, whatever the terminal.
WIDEST_WORDS = 120
#: What a terminal may be unable to show, and what stands for it then.
_PLAIN: dict[int, str] = {ord(UNKNOWN): UNKNOWN_ASCII, ord("…"): "~", ord("─"): "-", ord("→"): "->", ord("·"): ","}


@dataclass(frozen=True, slots=True)
class Column:
    """Head and kind of a column."""

    head: str
    is_number: bool = False
    #: The column that is cut when the table is too wide; there is one of them.
    gives_way: bool = False


def table_lines(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int | None, encoding: str | None = "utf-8"
) -> list[str]:
    """Head, rule and rows, none of them wider than `width` unless even the shortest form is; None cuts nothing.

    encoding: of the stream they will go to; cells are made fit for it first, since an escape is wider.
    """
    cells = [[encodable(escape_invisible(cell), encoding) for cell in row] for row in rows]
    widths = [
        max([text_width(column.head), *(text_width(row[index]) for row in cells)])
        for index, column in enumerate(columns)
    ]
    if width is not None:
        fixed = sum(w for w, column in zip(widths, columns, strict=True) if not column.gives_way)
        room = max(NARROWEST_WORDS, width - fixed - len(GAP) * (len(columns) - 1))
        widths = [min(w, room) if column.gives_way else w for w, column in zip(widths, columns, strict=True)]
    head = _line([column.head for column in columns], columns, widths)
    rule = GAP.join("─" * w for w in widths)
    return [head, rule, *(_line(row, columns, widths) for row in cells)]


def _line(row: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    cells = (
        pad(shorten(cell, width), width, right=column.is_number)
        for cell, column, width in zip(row, columns, widths, strict=True)
    )
    return GAP.join(cells).rstrip()


def paragraph(text: str, width: int | None, *, first: str = "", indent: str = "") -> list[str]:
    """The text in lines of at most `width` (None: `WIDEST_WORDS`), led in by `first` and then by `indent`."""
    safe = escape_invisible(text)
    return textwrap.wrap(
        safe,
        max(width or WIDEST_WORDS, NARROWEST_WORDS + len(indent)),
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,  # hosts, paths and options have hyphens, and are there to be copied
    ) or [first.rstrip()]


def encodable(text: str, encoding: str | None) -> str:
    """The text as a stream of this encoding can show it; what it cannot show becomes ASCII or an escape."""
    if can_encode(text, encoding):
        return text
    plain = text.translate(_PLAIN)
    try:
        return plain.encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")
    except LookupError:
        return plain.encode("ascii", "backslashreplace").decode("ascii")
