"""Delivers to a table of a DuckDB file. While it loads, no other process can open the file."""

from __future__ import annotations

import csv as csv_module
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import quote

from pydantic import Field

from sfr.destinations.base import (
    LOCK_TIMEOUT_S,
    Attempt,
    Delivered,
    Item,
    Kind,
    ProvedFile,
    Surroundings,
    changed_error,
)
from sfr.destinations.csv_file import CsvFile, NotPlainError
from sfr.destinations.database import Database, Dialect, Session, TableSettings, check_is_file
from sfr.destinations.table_plan import TableColumn
from sfr.destinations.table_sql import STAGE, TableSql, quoted_name
from sfr.errors import DeliveryError
from sfr.options.types import LocalPath, Text
from sfr.wording import how_to_install, shortened

MEMORY_LIMIT = "256MB"
#: No limit is documented; more than this is a mistake somewhere.
MAX_COLUMNS = 10_000
_RETRY_INTERVAL_S = 0.2
#: Longest record; DuckDB reserves a multiple of it.
_MAX_LINE_BYTES = 4 * 1024 * 1024
_TEXT_TYPE = "VARCHAR"
_PLAIN_ENCODINGS = ("utf-8", "utf_8", "utf8")


class DuckdbSettings(TableSettings):
    """`duckdb`: a database file."""

    path: LocalPath = Field(description="Database file; made if it is missing.")
    # Named as users know it; pydantic's own method of that name is not used.
    schema_: Text = Field(default="main", alias="schema", description="Schema of the tables; it must exist.")


def _check_casts(session: Session, sql: TableSql) -> None:
    for placed in sql.plan.placed:
        if placed.column.is_text:
            continue
        source = f"c{placed.source + 1}"
        wrong = session.first(
            f"SELECT {source} FROM {STAGE} "  # noqa: S608 - our own names, and a type as the database writes it
            f"WHERE {source} <> '' AND TRY_CAST({source} AS {placed.column.type}) IS NULL LIMIT 1"
        )
        if wrong is not None:
            raise DeliveryError(
                f"The column {placed.column.name} has the type {placed.column.type}, and a cell of the report cannot "
                f"be converted to it: {shortened(str(wrong[0]), 60)!r}."
            )


class Duckdb(Database):
    """See the module."""

    libraries = ("duckdb",)
    dialect = Dialect(MAX_COLUMNS, folds_case=True, check_casts=_check_casts)

    def __init__(self, settings: DuckdbSettings, surroundings: Surroundings) -> None:  # noqa: ARG002 - as all kinds
        super().__init__(settings)
        self.exclusive_file, self._schema = settings.path, settings.schema_

    def target(self, item: Item) -> str:
        """`duckdb:///srv/reports.duckdb/main.open_pipeline`."""
        path = quote(self.exclusive_file.encode("utf-8", "surrogateescape"))
        return f"duckdb://{path}/{quote(self._schema, safe='')}.{quote(self.table(item), safe='')}"

    def local_file(self, item: Item) -> str:  # noqa: ARG002 - one file for all
        """The database."""
        return self.exclusive_file

    def check(self) -> None:
        """Open the file for reading, if it exists."""
        if os.path.lexists(self.exclusive_file):
            with self._connected(None, read_only=True) as database:
                self._require_schema(database)

    def probe(self) -> None:
        """Make a table and roll it back."""
        if os.path.lexists(self.exclusive_file):
            with self._connected(None) as database, _translated():
                self._require_schema(database)
                database.execute("BEGIN")
                database.execute(f"CREATE TABLE {quoted_name(self._schema)}.sfr_probe (value text)")
                database.execute("ROLLBACK")

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """See `Database`."""
        from sfr.storage.trusted import make_directories

        try:
            make_directories(os.path.dirname(self.exclusive_file))
        except OSError as error:
            raise DeliveryError(f"Cannot make the directory of {self.exclusive_file}: {error.strerror}.") from error
        with self._connected(attempt) as database:
            attempt.interrupt_with(database.interrupt, may_be_idle=True)
            try:
                self._require_schema(database)
                with _translated():
                    database.execute("BEGIN")
                table = self.table(file.item)
                full_name = f"{quoted_name(self._schema)}.{quoted_name(table)}"
                session = _DuckdbSession(database, self._schema)
                return self.deliver_rows(session, table, full_name, file, attempt)
            finally:
                attempt.interrupt_with(None)

    def _require_schema(self, database: Any) -> None:
        with _translated():
            row = database.execute(
                "SELECT 1 FROM duckdb_schemas() WHERE schema_name = ? AND database_name = current_database()",
                [self._schema],
            ).fetchone()
        if row is None:
            raise DeliveryError(f"The database has no schema `{self._schema}`; create it, or set `schema` to another.")

    @contextmanager
    def _connected(self, attempt: Attempt | None, *, read_only: bool = False) -> Iterator[Any]:
        """A connection; waits while another process has the file."""
        duckdb = import_module("duckdb")
        check_is_file(self.exclusive_file)
        give_up_clock_s = time.monotonic() + (LOCK_TIMEOUT_S if attempt is not None else 0.0)
        settings = {"memory_limit": MEMORY_LIMIT, "threads": 2, "preserve_insertion_order": False}
        while True:
            try:
                database = duckdb.connect(self.exclusive_file, read_only=read_only, config=settings)
                break
            except duckdb.IOException as error:
                is_locked = "lock" in str(error).lower()
                if not is_locked or time.monotonic() > give_up_clock_s:
                    what = "Another process has the file open" if is_locked else "DuckDB cannot open the file"
                    raise DeliveryError(f"{what}: {_text_of(error)}.", is_transient=is_locked) from error
            except duckdb.Error as error:
                raise DeliveryError(f"DuckDB cannot open the file: {_text_of(error)}.") from error
            if attempt is not None:
                attempt.check()
            time.sleep(_RETRY_INTERVAL_S)
        try:
            yield database
        finally:
            with suppress(duckdb.Error):
                database.close()


class _DuckdbSession:
    """See `Session`."""

    def __init__(self, database: Any, schema: str) -> None:
        self._database, self._schema = database, schema

    def execute(self, statement: str) -> int:
        with _translated():
            row = self._database.execute(statement).fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else -1

    def first(self, statement: str) -> Sequence[Any] | None:
        with _translated():
            row: Sequence[Any] | None = self._database.execute(statement).fetchone()
            return row

    def stage(self, csv: CsvFile, attempt: Attempt) -> None:
        """DuckDB reads files only by itself, and only plain ones as `csv` does: others are rewritten."""
        before = _identity(csv.file.path)
        is_plain = csv.file.item.encoding.lower() in _PLAIN_ENCODINGS and csv.file.item.format != "csv.zst"
        try:
            if not is_plain:
                raise NotPlainError
            for _ in csv.plain_blocks(attempt):
                pass
        except NotPlainError:
            with _rewritten(csv, attempt) as path:
                self._stage_file(path, len(csv.labels), ",", "none")
            return
        compression = "gzip" if csv.file.item.format == "csv.gz" else "none"
        try:
            self._stage_file(csv.file.path, len(csv.labels), csv.header.delimiter.decode("ascii"), compression)
        except DeliveryError:
            csv.refuse_bad_row(attempt)  # names the row, which DuckDB's message does not
            raise
        if _identity(csv.file.path) != before:
            raise changed_error(csv.file)

    def _stage_file(self, path: str, columns: int, delimiter: str, compression: str) -> None:
        names = [f"c{number}" for number in range(1, columns + 1)]
        types = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
        force = ", ".join(f"'{name}'" for name in names)
        statement = (
            f"CREATE TEMPORARY TABLE {STAGE} AS SELECT * FROM read_csv(?, auto_detect = false, header = true, "  # noqa: S608 - ours
            f"delim = '{delimiter}', quote = '\"', escape = '\"', columns = {{{types}}}, force_not_null = [{force}], "
            f"compression = '{compression}', max_line_size = {_MAX_LINE_BYTES}, buffer_size = {2 * _MAX_LINE_BYTES}, "
            "parallel = false)"
        )
        with _translated():
            self._database.execute(statement, [_literal_path(path)])

    def columns(self, table: str) -> list[TableColumn] | None:
        with _translated():
            view = self._database.execute(
                "SELECT 1 FROM duckdb_views() WHERE schema_name = ? AND lower(view_name) = lower(?) "
                "AND database_name = current_database()",
                [self._schema, table],
            ).fetchone()
            found = self._database.execute(
                "SELECT column_name, data_type, is_nullable, column_default FROM duckdb_columns() "
                "WHERE schema_name = ? AND lower(table_name) = lower(?) AND database_name = current_database() "
                "ORDER BY column_index",
                [self._schema, table],
            ).fetchall()
        if view is not None:
            raise DeliveryError(f"{self._schema}.{table} is a view; SFR writes to tables only.")
        return [
            TableColumn(
                name, kind, is_text=kind == _TEXT_TYPE, is_plain=bool(nullable) and default in (None, "", "NULL")
            )
            for name, kind, nullable, default in found
        ] or None

    def commit(self) -> None:
        self.execute("COMMIT")


@contextmanager
def _rewritten(csv: CsvFile, attempt: Attempt) -> Iterator[str]:
    """A temporary file beside the report with the same records in the plain dialect."""
    from sfr.storage.trusted import create_private

    start = os.path.join(os.path.dirname(csv.file.path), attempt.temporary_prefix)
    try:
        descriptor, path = create_private(start)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as text:
                writer = csv_module.writer(text, quoting=csv_module.QUOTE_ALL, lineterminator="\n")
                writer.writerow(csv.labels)
                writer.writerows(csv.records(attempt))
            yield path
        finally:
            os.unlink(path)
    except OSError as error:
        raise DeliveryError(f"Cannot write a temporary file for DuckDB: {error.strerror or error}.") from error


def _identity(path: str) -> tuple[int, ...]:
    """What changes if a file is replaced or written to: DuckDB opens it by name, after its hash was compared."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise DeliveryError(f"The report file {path} cannot be read: {error.strerror or error}.") from error
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _literal_path(path: str) -> str:
    """A path in which DuckDB finds no pattern."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in path)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of DuckDB into `DeliveryError`."""
    duckdb = import_module("duckdb")
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise DeliveryError(
            f"The report needs more memory than the {MEMORY_LIMIT} that SFR lets DuckDB use; has it very many columns?"
        ) from error
    except duckdb.Error as error:
        raise DeliveryError(f"DuckDB refused: {_text_of(error)}.") from error


def _text_of(error: Exception) -> str:
    return shortened(" ".join(str(error).split()).rstrip(".!"), 300)


def missing_extra() -> str | None:
    """What to install, if duckdb is missing."""
    if find_spec("duckdb") is None:
        return f"The destination `duckdb` needs the package duckdb: {how_to_install('duckdb')}"
    return None


KIND = Kind(DuckdbSettings, Duckdb, missing_extra)
