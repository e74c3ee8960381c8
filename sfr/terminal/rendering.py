"""Lays text out with rich: tables and paragraphs that fit a width, as plain text or with colours.

Texts are data, never markup: `[bold]` and `:smile:` stay as they are. Imported only where something is laid out.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sfr.terminal.text import encodable, printable

NARROWEST_WORDS = 10
#: Sentences in wider lines are hard to read, whatever the terminal.
WIDEST_WORDS = 120
#: Blank columns beside a cell.
_GAP = 3
#: rich keeps some 3 kB for each row of a table, so that a long one is laid out in parts.
_ROWS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Column:
    """Head and kind of a column."""

    head: str
    is_number: bool = False
    #: Cut when the table is too wide, as one column at most may be.
    is_cut: bool = False


def layout(renderable: RenderableType, width: int, encoding: str | None, *, color: bool = False) -> str:
    """The renderable as text, lines ended by line feeds; an encoding that is no Unicode gets boxes of ASCII."""
    console = _console(width, encoding, color=color)
    with console.capture() as captured:
        console.print(renderable)
    return encodable(captured.get(), encoding)


def _console(width: int, encoding: str | None, *, color: bool = False) -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), encoding if encoding and encoding.lower().startswith("utf") else "ascii")
    return Console(
        file=stream,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        force_jupyter=False,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    )


def table_text(
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    width: int | None,
    encoding: str | None = "utf-8",
    *,
    styles: Sequence[str] = (),
) -> str:
    """Head, rule and rows, none of them wider than `width` unless even the shortest form is; None cuts nothing.

    encoding: of the stream the table will go to. styles: rich's name of a style for the first cell of each row.
    """
    cells = [[printable(cell, encoding) for cell in row] for row in rows]
    widths = [
        max([cell_len(column.head), *(cell_len(row[index]) for row in cells)]) for index, column in enumerate(columns)
    ]
    if width is not None:
        too_wide = sum(widths) + _GAP * (len(widths) - 1) - width
        widths = [
            max(min(NARROWEST_WORDS, w), w - max(0, too_wide)) if column.is_cut else w
            for w, column in zip(widths, columns, strict=True)
        ]
    parts = (
        _part(columns, widths, cells[start : start + _ROWS_AT_ONCE], styles[start : start + _ROWS_AT_ONCE], start == 0)
        for start in range(0, max(1, len(cells)), _ROWS_AT_ONCE)
    )
    total = sum(widths) + _GAP * len(widths)
    lines = (line for part in parts for line in layout(part, total, encoding, color=bool(styles)).splitlines())
    return "\n".join(map(str.rstrip, lines))


def _part(
    columns: Sequence[Column],
    widths: Sequence[int],
    rows: Sequence[Sequence[str]],
    styles: Sequence[str],
    is_first: bool,
) -> Table:
    """These rows in one row of rich's, each of whose cells is a whole column: a sixth of the time."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, show_header=is_first)
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.head, justify="right" if column.is_number else "left", width=width, no_wrap=True)
    if rows:
        painted = [Style.parse(style) for style in styles]
        cells = zip(columns, zip(*rows, strict=True), strict=True)
        table.add_row(*(_Cells(texts, column, painted if column is columns[0] else ()) for column, texts in cells))
    return table


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one column, a line each; rich's own texts would be wrapped and measured, which takes its time."""

    texts: Sequence[str]
    column: Column
    styles: Sequence[Style]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = options.max_width
        for place, text in enumerate(self.texts):
            room = width - cell_len(text)
            shown = text if room >= 0 else f"{set_cell_size(text, width - 1)}…"
            blanks = Segment(" " * room)
            if self.column.is_number:
                yield blanks
            yield Segment(shown, self.styles[place] if self.styles else None)
            if not self.column.is_number:
                yield blanks
            yield Segment.line()

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(options.max_width, options.max_width)


def paragraph(
    text: str, width: int | None, encoding: str | None = "utf-8", *, first: str = "", indent: str = ""
) -> Iterable[str]:
    """The text in lines of at most `width` (None: `WIDEST_WORDS`), led in by `first` and then by `indent`."""
    room = max(NARROWEST_WORDS, (width or WIDEST_WORDS) - len(indent))
    lines = Text(printable(text, encoding)).wrap(_console(room, encoding), room)
    for place, line in enumerate(lines or [Text()]):
        yield f"{indent if place else first}{line.plain}".rstrip()
