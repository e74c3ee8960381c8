"""Writes the SQL that moves the rows of a staging table into a report's table. Pure: runs nothing.

The staging table has the text columns `c1` … `cN`. Names are quoted here; statements contain no value but the date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sfr.destinations.table_plan import Placed, TableColumn, TablePlan

STAGE = "sfr_stage"


def quoted_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def cast_unless_text(value: str, column: TableColumn) -> str:
    """Standard SQL for a value of the column from a text; an empty one is NULL unless the column holds texts."""
    return value if column.is_text else f"CAST(NULLIF({value}, '') AS {column.type})"


@dataclass(frozen=True, slots=True)
class TableSql:
    """The statements for one plan. table: quoted, with its schema. date: the run's, in ISO 8601."""

    table: str
    plan: TablePlan
    date: str
    #: The value of a column from the text of an expression.
    cast: Callable[[str, TableColumn], str] = cast_unless_text

    def prepare(self) -> list[str]:
        """Make the table, or add the columns that it lacks."""
        if self.plan.create is not None:
            columns = ", ".join(f"{quoted_name(name)} text" for name in self.plan.create)
            return [f"CREATE TABLE {self.table} ({columns})"]
        return [f"ALTER TABLE {self.table} ADD COLUMN {quoted_name(name)} text" for name in self.plan.add]

    def delete(self) -> str:
        """Remove the rows that the new ones replace; with a date column, only those of the date."""
        if self.plan.date is None:
            return f"DELETE FROM {self.table}"  # noqa: S608 - names are quoted, here and below
        value = self._date_value(self.plan.date)
        return f"DELETE FROM {self.table} WHERE {quoted_name(self.plan.date.name)} = {value}"  # noqa: S608

    def insert(self) -> str:
        """Add all rows, with the date if there is a column for it."""
        values = [self._value(placed, "s") for placed in self.plan.placed]
        if self.plan.date is not None:
            values.append(self._date_value(self.plan.date))
        return f"INSERT INTO {self.table} ({self._names()}) SELECT {', '.join(values)} FROM {STAGE} s"  # noqa: S608

    def update(self) -> str:
        """Change the rows whose key is in the report; columns that the report does not have become NULL."""
        keys = {placed.source for placed in self.plan.key}
        changes = [
            f"{quoted_name(placed.column.name)} = {self._value(placed, 's')}"
            for placed in self.plan.placed
            if placed.source not in keys
        ]
        changes += [f"{quoted_name(column.name)} = NULL" for column in self.plan.absent if column.is_plain]
        if not changes:  # only key columns: nothing to change
            return ""
        return f"UPDATE {self.table} AS t SET {', '.join(changes)} FROM {STAGE} s WHERE {self._same_key()}"  # noqa: S608

    def insert_new(self) -> str:
        """Add the rows whose key is not in the table."""
        values = ", ".join(self._value(placed, "s") for placed in self.plan.placed)
        first = quoted_name(self.plan.key[0].column.name)
        return (
            f"INSERT INTO {self.table} ({self._names()}) SELECT {values} FROM {STAGE} s "  # noqa: S608
            f"LEFT JOIN {self.table} AS t ON {self._same_key()} WHERE t.{first} IS NULL"
        )

    def count_matches(self) -> str:
        """How many of the report's rows have a key that is in the table; no key may be in the report twice.

        A join, for which SQLite finds or makes an index; for each row of an EXISTS it would go through the table.
        """
        keys = ", ".join(self._key_sources("s."))
        return (
            f"SELECT count(*) FROM (SELECT DISTINCT {keys} FROM {STAGE} s "  # noqa: S608
            f"JOIN {self.table} AS t ON {self._same_key()}) AS found"
        )

    def index_keys(self) -> str:
        """Make the keys of the staging table quick to find."""
        return f"CREATE INDEX sfr_stage_key ON {STAGE} ({', '.join(self._key_sources(''))})"

    def find_empty_key(self) -> str:
        """A row without a key, if there is one."""
        is_empty = " OR ".join(f"{source} = ''" for source in self._key_sources("s."))
        return f"SELECT 1 FROM {STAGE} s WHERE {is_empty} LIMIT 1"  # noqa: S608

    def find_double_key(self) -> str:
        """A key that occurs twice, as its values."""
        values = ", ".join(self._value(placed, "s") for placed in self.plan.key)
        return f"SELECT {values} FROM {STAGE} s GROUP BY {values} HAVING count(*) > 1 LIMIT 1"  # noqa: S608

    def find_equal_keys(self) -> str:
        """Values of a key that rows of the report share once it is in the table: by its types and collations.

        Its rows must have been inserted. Finds only keys whose texts differ, such as `1` and `01` of an integer.
        The order lets PostgreSQL compute all groups by one join. With a limit alone it expects to find one at once, and
        goes through the whole table for each row: without end, since there is none.
        """
        keys = ", ".join(f"t.{quoted_name(placed.column.name)}" for placed in self.plan.key)
        differs = " OR ".join(f"min({source}) <> max({source})" for source in self._key_sources("s."))
        return (
            f"SELECT {keys} FROM {STAGE} s JOIN {self.table} AS t ON {self._same_key()} "  # noqa: S608
            f"GROUP BY {keys} HAVING {differs} ORDER BY count(*) DESC LIMIT 1"
        )

    def find_row(self) -> str:
        """A row of the table, if there is one."""
        return f"SELECT 1 FROM {self.table} LIMIT 1"  # noqa: S608

    def count(self) -> str:
        """How many rows `delete` would remove."""
        return self.delete().replace("DELETE", "SELECT count(*)", 1)

    def try_cast(self, placed: Placed) -> str:
        """Cast all values of a column, to see whether they can be."""
        return f"SELECT count({self._value(placed, 's')}) FROM {STAGE} s"  # noqa: S608

    def _names(self) -> str:
        columns: Iterable[TableColumn] = (placed.column for placed in self.plan.placed)
        names = [quoted_name(column.name) for column in columns]
        return ", ".join(names if self.plan.date is None else [*names, quoted_name(self.plan.date.name)])

    def _value(self, placed: Placed, stage: str) -> str:
        return self.cast(f"{stage}.c{placed.source + 1}", placed.column)

    def _date_value(self, column: TableColumn) -> str:
        return self.cast(f"'{self.date}'", column)

    def _key_sources(self, prefix: str) -> list[str]:
        return [f"{prefix}c{placed.source + 1}" for placed in self.plan.key]

    def _same_key(self) -> str:
        return " AND ".join(
            f"t.{quoted_name(placed.column.name)} = {self._compared(placed)}" for placed in self.plan.key
        )

    def _compared(self, placed: Placed) -> str:
        value, kind = self._value(placed, "s"), placed.column.compared_as
        return f"CAST({value} AS {kind})" if kind else value


def stage_of(columns: int) -> str:
    """Make a staging table with this number of text columns."""
    return f"CREATE TEMPORARY TABLE {STAGE} ({', '.join(f'c{number} text' for number in range(1, columns + 1))})"
