"""The report definition: a view of an object's first rows, with a folder, a format and optional groupings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sfr.emulator.catalogue.columns import Column
from sfr.emulator.catalogue.objects import ObjectTable

ReportFormat = Literal["Tabular", "Summary", "Matrix", "MultiBlock"]


@dataclass(frozen=True, slots=True)
class Report:
    """A report definition. `columns` are the detail columns; groupings name columns of the same table.

    rows: how many of the table's records it shows (the first ones).
    visible: False = the user has no access. listed: False = not in queries and the ready line.
    saved: its gzip export is made once and then served from a file (with a fixed date in its footer).
    row_limit: `topRows` of the Analytics API: the maximum number of rows shown. has_cross_filter: it has one, which
    only affects describe; neither kind of report can be sliced by filters.
    has_record_count: False = `RowCount` is not among its aggregates.
    filters, filter_logic, start_date, end_date: as `reportFilters`, `reportBooleanFilter` and the standard date filter
    contain them. shown: the numbers of the matching rows, out of `rows`; None without filters.
    """

    id: str
    name: str
    folder: str
    format: ReportFormat
    table: ObjectTable
    rows: int
    columns: tuple[str, ...]
    groupings_down: tuple[str, ...] = ()
    groupings_across: tuple[str, ...] = ()
    summed: tuple[str, ...] = ()
    description: str = ""
    visible: bool = True
    listed: bool = True
    saved: bool = False
    row_limit: int | None = None
    has_cross_filter: bool = False
    has_record_count: bool = True
    filters: tuple[Mapping[str, str], ...] = ()
    filter_logic: str | None = None
    start_date: str | None = None
    end_date: str | None = None
    shown: Sequence[int] | None = None

    @property
    def shown_rows(self) -> int:
        """How many rows an export has."""
        return self.rows if self.shown is None else len(self.shown)

    @property
    def detail_columns(self) -> tuple[Column, ...]:
        """The detail columns, in order."""
        return tuple(self.table.column(name) for name in self.columns)

    @property
    def export_columns(self) -> tuple[Column, ...]:
        """The columns of the details export: groupings first, then details."""
        names = (*self.groupings_down, *self.groupings_across, *self.columns)
        return tuple(self.table.column(name) for name in names)
