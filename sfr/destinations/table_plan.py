"""Maps the columns of a report to those of its table. Pure: queries no database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sfr.destinations.identifiers import DATE_COLUMN
from sfr.errors import DeliveryError
from sfr.wording import listed, quoted


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column of an existing table."""

    name: str
    #: As the database writes it.
    type: str
    #: True if it holds any text as it is; values for others are cast, and an empty cell is NULL.
    is_text: bool = True
    #: False if the database fills it by itself, or forbids NULL.
    is_plain: bool = True
    #: Type that texts are cast to where they are compared with the column; empty: the database compares by the column.
    compared_as: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A report column and the table column that its values go to."""

    #: Place in the report, from 0.
    source: int
    column: TableColumn


@dataclass(frozen=True, slots=True)
class TablePlan:
    """What has to be done to a table."""

    #: None: the table exists.
    create: tuple[str, ...] | None
    #: Text columns that the table lacks.
    add: tuple[str, ...]
    placed: tuple[Placed, ...]
    #: With `mode: append`.
    date: TableColumn | None
    #: With `mode: merge`.
    key: tuple[Placed, ...]
    #: Columns of the table that the report does not have.
    absent: tuple[TableColumn, ...]

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Columns by which new rows find old ones, and which the table lacks: rows that it has cannot be found."""
        names = [placed.column.name for placed in self.key] + [self.date.name if self.date else ""]
        return tuple(name for name in names if name in self.add)

    @property
    def warning(self) -> str:
        """What the user should know; empty if the columns are the same."""
        names = [column.name for column in self.absent if column.is_plain]
        if not names:
            return ""
        return f"The table has columns that the report does not have: {listed(names)}; they are NULL in new rows."


def plan_table(
    names: Sequence[str],
    existing: Sequence[TableColumn] | None,
    mode: str,
    key: Sequence[int],
    *,
    folds_case: bool,
    max_columns: int,
) -> TablePlan:
    """The plan for a report with columns of these names.

    existing: the table's columns; None: there is no table. key: places of the key columns in the report.
    folds_case: the database takes names for the same that differ in case only.
    Raises `DeliveryError` for a report that the table cannot take.
    """
    if mode == "append" and DATE_COLUMN in (name.casefold() for name in names):
        raise DeliveryError(f"The report has a column `{DATE_COLUMN}`, which `mode: append` adds itself.")
    wanted = [*names, DATE_COLUMN] if mode == "append" else [*names]
    found = {_folded(column.name, folds_case): column for column in existing or ()}
    add = [name for name in wanted if _folded(name, folds_case) not in found]
    if len(found) + len(add) > max_columns:
        raise DeliveryError(
            f"The table would have {len(found) + len(add):,} columns, but this database takes {max_columns:,} at most."
        )
    columns = [found.get(_folded(name, folds_case)) or TableColumn(name, "text") for name in wanted]
    placed = tuple(Placed(place, column) for place, column in enumerate(columns[: len(names)]))
    used = {column.name for column in columns}
    return TablePlan(
        create=tuple(wanted) if existing is None else None,
        add=() if existing is None else tuple(add),
        placed=placed,
        date=columns[-1] if mode == "append" else None,
        key=tuple(placed[place] for place in key),
        absent=tuple(column for column in existing or () if column.name not in used),
    )


def key_places(key: Sequence[str], labels: Sequence[str], names: Sequence[str]) -> tuple[int, ...]:
    """Places of the key columns, given as labels or names. Raises `DeliveryError` for one that is not there."""
    places = []
    for wanted in key:
        found = [place for place, pair in enumerate(zip(labels, names, strict=True)) if wanted in pair]
        if not found:
            raise DeliveryError(
                f"The key column {quoted(wanted)} is not among the report's columns {listed(names[:20])}."
            )
        places.append(found[0])
    return tuple(dict.fromkeys(places))


def _folded(name: str, folds_case: bool) -> str:
    return name.casefold() if folds_case else name
