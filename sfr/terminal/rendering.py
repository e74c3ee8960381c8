"""Lays text out with rich: tables and paragraphs that fit a width, as plain text or with colours.

Texts are data, never markup: `[bold]` and `:smile:` stay as they are. Imported only where something is laid out.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from sfr.terminal.text import encodable, printable

MIN_TEXT_WIDTH = 10
#: Sentences in wider lines are hard to read, whatever the terminal.
MAX_TEXT_WIDTH = 120
#: Blank columns beside a cell.
_GAP = 2
#: rich keeps some 3 kB for each row of a table, so that a long one is laid out in parts.
_ROWS_AT_ONCE = 200
_ASCII_HEAD = box.Box(str(box.SIMPLE_HEAD).replace("─", "-"), ascii=True)


@dataclass(frozen=True, slots=True)
class Column:
    """Head and kind of a column."""

    head: str
    is_number: bool = False
    #: Truncated if the table is too wide; at most one column of a table.
    is_cut: bool = False
    #: Left out if the table is still too wide, the last such column first.
    is_optional: bool = False


def layout(renderable: RenderableType, width: int, encoding: str | None, *, color: bool = False) -> str:
    """The renderable as text, lines ended by line feeds; boxes are ASCII unless the encoding is Unicode."""
    console = _console(width, encoding, color=color)
    with console.capture() as captured:
        console.print(renderable)
    return encodable(captured.get(), encoding)


def _console(width: int, encoding: str | None, *, color: bool = False) -> Console:
    stream = io.TextIOWrapper(io.BytesIO(), "utf-8" if _is_unicode(encoding) else "ascii")
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


def _is_unicode(encoding: str | None) -> bool:
    return (encoding or "").lower().startswith("utf")


def table_text(
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    width: int | None,
    encoding: str | None = "utf-8",
    *,
    styles: Sequence[str] = (),
) -> str:
    """Header, rule and rows, no wider than `width` if possible; None truncates nothing.

    encoding: of the stream the table will go to. styles: rich's name of a style for the first cell of each row.
    """
    cells = [[printable(cell, encoding) for cell in row] for row in rows]
    widths = _widths(columns, cells, width)
    total = sum(widths.values()) + _GAP * len(widths)
    lines: list[str] = []
    for start in range(0, max(1, len(cells)), _ROWS_AT_ONCE):
        table = Table(
            box=box.SIMPLE_HEAD if _is_unicode(encoding) else _ASCII_HEAD,
            header_style="",
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            show_header=start == 0,
        )
        part = slice(start, start + _ROWS_AT_ONCE)
        shown = []
        for index, column_width in widths.items():
            column = columns[index]
            justify: JustifyMethod = "right" if column.is_number else "left"
            table.add_column(column.head, justify=justify, width=column_width, no_wrap=True)
            shown.append(_Cells([row[index] for row in cells[part]], column, () if index else styles[part]))
        if cells:
            table.add_row(*shown)
        lines += layout(table, total, encoding, color=bool(styles)).splitlines()
    return "\n".join(map(str.rstrip, lines))


def _widths(columns: Sequence[Column], cells: Sequence[Sequence[str]], width: int | None) -> dict[int, int]:
    """The widths of the columns shown, by index."""
    widths = {
        place: max([cell_len(column.head), *(cell_len(row[place]) for row in cells)])
        for place, column in enumerate(columns)
    }
    if width is None:
        return widths
    least = {place: min(MIN_TEXT_WIDTH, size) if columns[place].is_cut else size for place, size in widths.items()}
    for place in reversed(range(len(columns))):
        if sum(least.values()) + _GAP * (len(least) - 1) > width and columns[place].is_optional:
            del least[place], widths[place]
    room = width - sum(least.values()) - _GAP * (len(least) - 1)
    return {place: min(size, least[place] + max(0, room)) for place, size in widths.items()}


@dataclass(frozen=True, slots=True)
class _Cells:
    """The cells of one column in many rows, as a single cell for rich: six times as fast as a cell per row."""

    texts: Sequence[str]
    column: Column
    styles: Sequence[str]

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        width = options.max_width
        styles = {name: Style.parse(name) for name in self.styles}
        for place, text in enumerate(self.texts):
            room = width - cell_len(text)
            shown = text if room >= 0 else f"{set_cell_size(text, width - 1)}…"
            blanks = Segment(" " * room)
            if self.column.is_number:
                yield blanks
            yield Segment(shown, styles[self.styles[place]] if styles else None)
            if not self.column.is_number:
                yield blanks
            yield Segment.line()

    def __rich_measure__(self, _console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(options.max_width, options.max_width)


def paragraph(
    text: str, width: int | None, encoding: str | None = "utf-8", *, first: str = "", indent: str = ""
) -> Iterable[str]:
    """The text in lines of at most `width` (None: `MAX_TEXT_WIDTH`), led in by `first` and then by `indent`."""
    room = max(MIN_TEXT_WIDTH, (width or MAX_TEXT_WIDTH) - len(indent))
    lines = Text(printable(text, encoding)).wrap(_console(room, encoding), room)
    for place, line in enumerate(lines or [Text()]):
        yield f"{indent if place else first}{line.plain}".rstrip()
