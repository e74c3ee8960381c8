"""Delivers to a table of an SQLite file, by the standard library. In files that SFR makes, readers do not wait."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from pydantic import Field

from sfr.destinations.base import LOCK_TIMEOUT_S, Attempt, Delivered, Item, Kind, ProvedFile, Surroundings
from sfr.destinations.csv_file import CsvFile
from sfr.destinations.database import Database, Dialect, Session, TableSettings, check_is_file
from sfr.destinations.table_plan import TableColumn
from sfr.destinations.table_sql import STAGE, TableSql, quoted_name, stage_of
from sfr.errors import DeliveryError
from sfr.options.types import LocalPath

if TYPE_CHECKING:
    import sqlite3

#: How long SQLite itself waits for a lock before SFR checks whether the attempt has to end.
_WAIT_S = 0.2
_BUSY, _LOCKED = 5, 6
#: SQLite's default limit.
MAX_COLUMNS = 2000
#: Parts of declared types (sqlite.org/datatype3.html): of those that hold texts, and of those that hold numbers only.
_TEXTS = ("CHAR", "CLOB", "TEXT")
_NUMERIC = ("INT", "REAL", "FLOA", "DOUB", "NUMERIC", "DECIMAL", "NUMBER")


class SqliteSettings(TableSettings):
    """`sqlite`: a database file."""

    path: LocalPath = Field(description="Database file; made if it is missing.")


def _value(text: str, column: TableColumn) -> str:
    """SQLite converts what it stores by the column's type; CAST would turn any text into 0."""
    return text if column.is_text else f"NULLIF({text}, '')"


def _check_casts(session: Session, sql: TableSql) -> None:
    """A numeric column that stores a text shows that it was no number: try it on a table of the same types."""
    for placed in sql.plan.placed:
        if placed.column.is_text or not any(part in placed.column.type.upper() for part in _NUMERIC):
            continue
        source = f"c{placed.source + 1}"
        session.execute(f"CREATE TEMPORARY TABLE sfr_cast (value {placed.column.type})")
        session.execute(f"INSERT INTO sfr_cast SELECT {source} FROM {STAGE} WHERE {source} <> ''")  # noqa: S608 - ours
        wrong = session.first("SELECT value FROM sfr_cast WHERE typeof(value) = 'text' LIMIT 1")
        session.execute("DROP TABLE sfr_cast")
        if wrong is not None:
            raise DeliveryError(
                f"The column {placed.column.name} has the type {placed.column.type}, and a cell of the report cannot "
                f"be converted to it: {str(wrong[0])[:60]!r}."
            )


class Sqlite(Database):
    """See the module."""

    dialect = Dialect(MAX_COLUMNS, folds_case=True, cast=_value, check_casts=_check_casts)

    def __init__(self, settings: SqliteSettings, surroundings: Surroundings) -> None:
        super().__init__(settings)
        self.exclusive_file = settings.path
        self._file_mode = surroundings.file_mode

    def target(self, item: Item) -> str:
        """`sqlite:///srv/reports.sqlite3/open_pipeline`."""
        table = self.table(item)
        if table.casefold().startswith("sqlite_"):
            raise ValueError(f"SQLite reserves names that start with `sqlite_`; found `{table}`")
        return f"sqlite://{quote(self.exclusive_file.encode('utf-8', 'surrogateescape'))}/{quote(table, safe='')}"

    def local_file(self, item: Item) -> str:  # noqa: ARG002 - one file for all
        """The database."""
        return self.exclusive_file

    def check(self) -> None:
        """Open the file for reading, if it exists."""
        if not os.path.lexists(self.exclusive_file):
            directory = os.path.dirname(self.exclusive_file)
            if os.path.isdir(directory) and not os.access(directory, os.W_OK | os.X_OK):
                raise DeliveryError(f"The directory {directory} is not writable for the user who runs SFR.")
            return
        with self._connected("ro") as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()

    def probe(self) -> None:
        """Make a table and roll it back."""
        self.check()
        if os.path.lexists(self.exclusive_file):
            with self._connected("rw") as database:
                _begin(database, None)
                database.execute("CREATE TABLE sfr_probe (value text)")
                database.execute("ROLLBACK")

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """See `Database`."""
        is_new = self._make_file()
        with self._connected("rw") as database:
            if is_new:
                database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA temp_store = FILE")
            _begin(database, attempt)
            attempt.interrupt_with(database.interrupt, may_be_idle=True)
            try:
                table = self.table(file.item)
                session = _SqliteSession(database, attempt)
                return self.deliver_rows(session, table, f"main.{quoted_name(table)}", file, attempt)
            finally:
                attempt.interrupt_with(None)

    def _make_file(self) -> bool:
        """Make the file if it is missing, with the configured permissions; returns whether it was."""
        from sfr.storage.trusted import create_new, make_directories

        try:
            if os.path.lexists(self.exclusive_file):
                check_is_file(self.exclusive_file)
                return os.path.getsize(self.exclusive_file) == 0
            make_directories(os.path.dirname(self.exclusive_file))
            os.close(create_new(self.exclusive_file, self._file_mode))
        except FileExistsError:
            return False
        except OSError as error:
            raise DeliveryError(f"Cannot make {self.exclusive_file}: {error.strerror or error}.") from error
        return True

    @contextmanager
    def _connected(self, mode: str) -> Iterator[sqlite3.Connection]:
        import sqlite3

        check_is_file(self.exclusive_file)
        address = f"file:{quote(self.exclusive_file.encode('utf-8', 'surrogateescape'))}?mode={mode}"
        with _translated():
            database = sqlite3.connect(
                address, uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False
            )
            try:
                yield database
            finally:
                with suppress(sqlite3.Error):
                    database.close()


class _SqliteSession:
    """See `Session`."""

    def __init__(self, database: sqlite3.Connection, attempt: Attempt) -> None:
        self._database, self._attempt = database, attempt

    def execute(self, statement: str) -> int:
        with _translated():
            return self._database.execute(statement).rowcount

    def first(self, statement: str) -> Sequence[Any] | None:
        with _translated():
            row: Sequence[Any] | None = self._database.execute(statement).fetchone()
            return row

    def stage(self, csv: CsvFile, attempt: Attempt) -> None:
        columns = len(csv.labels)
        if columns > MAX_COLUMNS:
            raise DeliveryError(f"The report has {columns:,} columns, but SQLite takes {MAX_COLUMNS:,} at most.")
        values = ", ".join("?" * columns)
        with _translated():
            self._database.execute(stage_of(columns))
            self._database.executemany(f"INSERT INTO {STAGE} VALUES ({values})", csv.records(attempt))  # noqa: S608 - ours

    def columns(self, table: str) -> list[TableColumn] | None:
        with _translated():
            kind = self._database.execute(
                "SELECT type FROM main.sqlite_master WHERE name = ? COLLATE NOCASE AND type IN ('table', 'view')",
                (table,),
            ).fetchone()
            found = self._database.execute(
                "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?, 'main')", (table,)
            ).fetchall()
        if kind is None:
            return None
        if kind[0] != "table":
            raise DeliveryError(f"{table} is a view; SFR writes to tables only.")
        return [
            TableColumn(
                name,
                declared,
                is_text=not declared or any(part in declared.upper() for part in _TEXTS),
                is_plain=not (not_null or pk or hidden or default is not None),
            )
            for name, declared, not_null, default, pk, hidden in found
        ]

    def commit(self) -> None:
        _execute_when_unlocked(self._database, "COMMIT", self._attempt)


def _begin(database: sqlite3.Connection, attempt: Attempt | None) -> None:
    _execute_when_unlocked(database, "BEGIN IMMEDIATE", attempt)


def _execute_when_unlocked(database: sqlite3.Connection, statement: str, attempt: Attempt | None) -> None:
    """Run a statement that may have to wait for another program's lock."""
    import sqlite3

    give_up_clock_s = time.monotonic() + LOCK_TIMEOUT_S
    while True:
        try:
            database.execute(statement)
        except sqlite3.OperationalError as error:
            if _code(error) not in (_BUSY, _LOCKED):
                raise
            if time.monotonic() > give_up_clock_s:
                raise DeliveryError(
                    f"Another program has locked the database for more than {LOCK_TIMEOUT_S:g} s.", is_transient=True
                ) from error
            if attempt is not None:
                attempt.confirm()
        else:
            return


@contextmanager
def _translated() -> Iterator[None]:
    """Turn errors of SQLite into `DeliveryError`."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        is_lock = _code(error) in (_BUSY, _LOCKED)
        raise DeliveryError(f"SQLite refused: {error}.", is_transient=is_lock) from error
    except UnicodeEncodeError as error:
        raise DeliveryError("A cell has characters that SQLite cannot store (lone surrogates).") from error


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


KIND = Kind(SqliteSettings, Sqlite)
