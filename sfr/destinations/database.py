"""Delivers a report to a table: the part that all databases have in common.

    open file ─► begin ─► stage ─► plan ─► make or alter the table ─► move the rows ─► compare counts ─► commit

One transaction: readers see the old rows until its end, and any error leaves them as they were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from pydantic import Field, model_validator

from sfr.destinations.base import Attempt, Delivered, Destination, Item, ProvedFile
from sfr.destinations.csv_file import CSV_FORMATS, CsvFile
from sfr.destinations.identifiers import DATE_COLUMN, column_names, table_name
from sfr.destinations.table_plan import TableColumn, TablePlan, key_places, plan_table
from sfr.destinations.table_sql import STAGE, TableSql, cast_unless_text
from sfr.errors import DeliveryError
from sfr.options.section import Section
from sfr.options.types import sentence
from sfr.wording import listed, shortened

Mode = Literal["replace", "append", "merge"]


class TableSettings(Section):
    """Options of every database."""

    mode: Mode = Field(
        default="replace",
        description="`replace`: the table holds the report's rows; `append`: the rows of each day are added, with "
        "`sfr_date`; `merge`: rows with the same key are updated, others added.",
    )
    key: tuple[str, ...] = Field(default=(), description="With `mode: merge`: the columns that identify a row.")
    columns: Literal["snake", "labels"] = Field(
        default="snake", description="Names of the columns: `snake` makes `close_date` of `Close Date`, `labels` keeps."
    )

    @model_validator(mode="after")
    def _check_key(self) -> TableSettings:
        if self.mode == "merge" and not self.key:
            raise sentence("`mode: merge` needs a `key`: the columns that identify a row")
        return self


def check_is_file(path: str) -> None:
    """Raise `DeliveryError` if something else than a file is there: opening a named pipe would wait without end."""
    if os.path.lexists(path) and not os.path.isfile(path):
        raise DeliveryError(f"{path} is not a regular file; expected a database, or nothing.")


class Session(Protocol):
    """A connection to a database in a transaction. Its methods raise `DeliveryError`."""

    def execute(self, statement: str) -> int:
        """Run a statement; returns how many rows it changed, -1 if unknown."""
        ...

    def first(self, statement: str) -> Sequence[Any] | None:
        """The first row of a query, if there is one."""
        ...

    def stage(self, csv: CsvFile, attempt: Attempt) -> None:
        """Make the staging table and load the report's rows into it."""
        ...

    def columns(self, table: str) -> list[TableColumn] | None:
        """The columns of the table, None if there is none. Raises if another thing has its name."""
        ...

    def commit(self) -> None:
        """End the transaction; its changes become visible."""
        ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where databases differ."""

    max_columns: int
    folds_case: bool
    cast: Callable[[str, TableColumn], str] = cast_unless_text
    #: Raises `DeliveryError` that names the column whose values cannot be cast, if there is one.
    check_casts: Callable[[Session, TableSql], None] = lambda _session, _sql: None


class Database(Destination):
    """The base of the kinds that are databases."""

    dialect: Dialect

    def __init__(self, settings: TableSettings) -> None:
        self._table_settings = settings
        self.is_append = settings.mode == "append"

    def table(self, item: Item) -> str:
        """The name of the table. Raises ValueError for a report that no table can hold."""
        if item.format not in CSV_FORMATS:
            raise ValueError(f"a database takes the formats {', '.join(CSV_FORMATS)}; found `{item.format}`")
        return table_name(item.table, item.name_template, item.report_id)

    def deliver_rows(
        self, session: Session, table: str, full_name: str, file: ProvedFile, attempt: Attempt
    ) -> Delivered:
        """Move the rows of the file into the table, in the session's transaction, and commit."""
        csv = CsvFile.open(file, attempt)
        names = column_names(csv.labels, self._table_settings.columns)
        session.stage(csv, attempt)
        plan = self._plan(csv, names, session.columns(table))
        sql = TableSql(full_name, plan, file.item.sfr_date, self.dialect.cast)
        staged = _number(session.first(f"SELECT count(*) FROM {STAGE}"))  # noqa: S608 - a constant
        if file.rows is not None and staged != file.rows:
            raise DeliveryError(f"The database counts {staged:,} rows, but the report has {file.rows:,}.")
        warnings = [plan.warning, _check_old_rows(session, sql)]
        for statement in sql.prepare():
            session.execute(statement)
        self.dialect.check_casts(session, sql)
        if plan.key:
            _merge(session, sql, staged, csv)
        else:
            session.execute(sql.delete())
            _check_count(session.execute(sql.insert()), staged)
            # What a trigger or a constraint did to rows that count as inserted.
            _check_count(_number(session.first(sql.count())), staged)
        attempt.confirm()
        session.commit()
        return Delivered(" ".join(filter(None, warnings)))

    def _plan(self, csv: CsvFile, names: Sequence[str], existing: Sequence[TableColumn] | None) -> TablePlan:
        settings = self._table_settings
        key = key_places(settings.key, csv.labels, names) if settings.mode == "merge" else ()
        return plan_table(
            names,
            existing,
            settings.mode,
            key,
            folds_case=self.dialect.folds_case,
            max_columns=self.dialect.max_columns,
        )


def _check_old_rows(session: Session, sql: TableSql) -> str:
    """A warning if the table has rows that no delivery will ever replace. With `merge` they would all double."""
    plan = sql.plan
    if not plan.unmatched or session.first(sql.find_row()) is None:
        return ""
    if plan.key:
        raise DeliveryError(
            f"The table has rows, but no column {listed(plan.unmatched)}, which is the key: none of them could be "
            "found. Rename its column accordingly, or empty the table."
        )
    return f"The rows that the table had before have no `{DATE_COLUMN}`; they stay, beside those of each day."


def _merge(session: Session, sql: TableSql, staged: int, csv: CsvFile) -> None:
    key = ", ".join(csv.labels[placed.source] for placed in sql.plan.key)
    session.execute(sql.index_keys())
    if session.first(sql.find_empty_key()) is not None:
        raise DeliveryError(f"A row of the report has an empty key ({key}).")
    _refuse_double(session.first(sql.find_double_key()), key)
    matches = _number(session.first(sql.count_matches()))
    if update := sql.update():
        session.execute(update)
    _check_count(session.execute(sql.insert_new()), staged - matches)
    _refuse_double(session.first(sql.find_equal_keys()), key)


def _refuse_double(double: Sequence[Any] | None, key: str) -> None:
    if double is not None:
        values = ", ".join(shortened(str(value), 60) for value in double)
        raise DeliveryError(f"The key ({key}) comes twice in the report: {values}.")


def _check_count(changed: int, expected: int) -> None:
    if changed not in (-1, expected):
        raise DeliveryError(
            f"The database has {changed:,} new rows instead of {expected:,}; is there a trigger or a constraint, or "
            "another program that writes to the table?"
        )


def _number(row: Sequence[Any] | None) -> int:
    return int(row[0]) if row else 0
