"""Columns of generated tables: every cell is computed from its row number, so no table is held in memory.

A column either repeats a seeded pool of exactly `TILE_ROWS` cells, or inserts the row number into a fixed text, or (for
small hand-written tables) lists its cells. With the first two, one tile of rows is a template in which only the tile's
number changes, which makes large exports fast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from sfr.emulator.catalogue.cells import TEXT_TYPES, Cell, Raw
from sfr.emulator.catalogue.ids import ROW_DIGITS

TILE_ROWS = 1000
TILE_DIGITS = ROW_DIGITS - 3
TILE_MARK = "\x01\x02\x03\x04\x05\x06"
"""Placeholder for the tile's number in a template; has as many characters as the digits that replace it."""


class CellSource(Protocol):
    """Where a column's cells come from."""

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""

    def template(self, row: int) -> str:
        """The export text of a row of the first tile, with `TILE_MARK` in place of the tile's number."""


@dataclass(frozen=True)
class Pool:
    """Repeats the same `TILE_ROWS` cells in every tile; made at first use, so that an org starts quickly."""

    make_cells: Callable[[], tuple[Cell, ...]]

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The pool. Two threads may create it at once; both get the same result."""
        return self.make_cells()

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""
        return self.cells[row % TILE_ROWS]

    def template(self, row: int) -> str:
        """The export text: the same in every tile."""
        return self.cells[row % TILE_ROWS].text


@dataclass(frozen=True, slots=True)
class Numbered:
    """The row number in nine digits between two fixed texts: unique and ascending."""

    before: str
    after: str = ""

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""
        text = f"{self.before}{row:0{ROW_DIGITS}d}{self.after}"
        return Cell(text, text, text)

    def template(self, row: int) -> str:
        """The export text with a placeholder for the tile's number."""
        return f"{self.before}{TILE_MARK}{row % TILE_ROWS:03d}{self.after}"


@dataclass(frozen=True, slots=True)
class Listed:
    """Exactly these cells, for tables written by hand; at most `TILE_ROWS` of them."""

    cells: tuple[Cell, ...]

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""
        return self.cells[row]

    def template(self, row: int) -> str:
        """The export text."""
        return self.cells[row].text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its names in reports (`name`, `label`) and in SOQL (`field`), its type, its cells.

    name_field: for references, the SOQL path of the other record's name (`Owner.Name`).
    is_record_name: the Analytics API returns the record's id as its value, and the text as its label only.
    """

    name: str
    label: str
    data_type: str
    field: str
    source: CellSource
    name_field: str | None = None
    is_record_name: bool = False

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""
        return self.source.cell(row)

    def raw(self, row: int) -> Raw:
        """The raw value of a row's cell."""
        return self.source.cell(row).raw

    def sort_key(self, row: int) -> tuple[bool, str | float]:
        """Sorts empty cells first, text case-insensitively (references by name), everything else by value."""
        return cell_sort_key(self.source.cell(row), self.data_type)

    def renamed(self, name: str, label: str) -> Column:
        """The same cells under other report names."""
        return replace(self, name=name, label=label)


def cell_sort_key(cell: Cell, data_type: str) -> tuple[bool, str | float]:
    """The sort key of a cell of this data type."""
    if cell.raw is None:
        return (False, "" if data_type in TEXT_TYPES or data_type.startswith("date") else 0)
    if data_type in TEXT_TYPES:
        return (True, cell.text.casefold())
    return (True, cell.raw)
