"""Delivers to a table of PostgreSQL, by psycopg 3. Readers see the old rows until the commit, and are not blocked."""

from __future__ import annotations

import hashlib
import math
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote, unquote, urlsplit

from pydantic import AfterValidator, Field

from sfr.destinations.base import LOCK_TIMEOUT_S, Attempt, Delivered, Item, Kind, ProvedFile, Surroundings
from sfr.destinations.csv_file import CsvFile, NotPlainError, nul_error
from sfr.destinations.database import Database, Dialect, Session, TableSettings
from sfr.destinations.postgres_errors import connect_error, translated, unlogged
from sfr.destinations.table_plan import TableColumn
from sfr.destinations.table_sql import STAGE, TableSql, quoted_name, stage_of
from sfr.errors import DeliveryError
from sfr.options.types import SecretText, Text
from sfr.redaction import Secret
from sfr.wording import how_to_install

if TYPE_CHECKING:
    import psycopg

#: PostgreSQL's limit.
MAX_COLUMNS = 1600
DEFAULT_PORT = 5432
#: Encodings that PostgreSQL decodes exactly as Python does; other texts are decoded by SFR.
_ENCODINGS = {"utf-8": "UTF8", "utf_8": "UTF8", "utf8": "UTF8", "iso8859-1": "LATIN1", "latin-1": "LATIN1"}
#: Types that take any text of their length.
_TEXT_TYPES = ("text", "character varying", "character", "citext", "name")
#: Of these, those that compare in their own way, but as texts with a text: the types that make it theirs.
_COMPARED_AS = {"character": "bpchar", "citext": "citext", "name": "name"}


def _check_url(secret: Secret) -> Secret:
    # Not with its scheme in front: where that is what the user wrote, too, it would be masked as part of the secret.
    expected = "scheme://user:password@host:5432/database with the scheme `postgresql`"
    try:
        parts = urlsplit(secret.reveal())
        is_whole = parts.scheme in ("postgresql", "postgres") and parts.hostname and len(parts.path) > 1
        port = parts.port
    except ValueError:
        is_whole, port = False, None
    if not is_whole or port == 0:
        raise ValueError(expected)
    return secret


class PostgresSettings(TableSettings):
    """`postgres`: a PostgreSQL database."""

    url: Annotated[SecretText, AfterValidator(_check_url)] = Field(
        description="`postgresql://user:password@host:5432/database`, a secret; libpq's parameters may follow, such as "
        "`?sslmode=verify-full`."
    )
    # Named as users know it; pydantic's own method of that name is not used.
    schema_: Text = Field(default="public", alias="schema", description="Schema of the tables; it must exist.")


def _check_casts(session: Session, sql: TableSql) -> None:
    """Cast each column in turn, so that the error names the column."""
    for placed in sql.plan.placed:
        if placed.column.is_text:
            continue
        try:
            session.first(sql.try_cast(placed))
        except DeliveryError as error:
            if error.is_transient or error.is_unreachable:
                raise
            raise DeliveryError(
                f"The column {placed.column.name} has the type {placed.column.type}, and a cell of the report cannot "
                f"be converted to it. {error.message}"
            ) from error


class Postgres(Database):
    """See the module."""

    libraries = ("psycopg",)
    dialect = Dialect(MAX_COLUMNS, folds_case=False, check_casts=_check_casts)

    def __init__(self, settings: PostgresSettings, surroundings: Surroundings) -> None:
        super().__init__(settings)
        self._url, self._schema = settings.url, settings.schema_
        self._surroundings = surroundings

    def target(self, item: Item) -> str:
        """`postgres://host:5432/database/public.open_pipeline`."""
        parts = urlsplit(self._url.reveal())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        table = f"{quote(self._schema, safe='')}.{quote(self.table(item), safe='')}"
        return f"postgres://{host}:{parts.port or DEFAULT_PORT}/{quote(unquote(parts.path[1:]), safe='')}/{table}"

    def check(self) -> None:
        """Log in, and look for the schema."""
        with self._connected() as database:
            self._require_schema(database)

    def probe(self) -> None:
        """Make a table in the schema and roll it back."""
        with self._connected() as database, translated():
            self._require_schema(database)
            database.execute(f"CREATE TABLE {quoted_name(self._schema)}.sfr_probe (value text)")
            database.rollback()

    def deliver(self, file: ProvedFile, attempt: Attempt) -> Delivered:
        """See `Database`. A file that COPY would read differently than `csv` is loaded row by row."""
        try:
            return self._deliver(file, attempt, is_plain=True)
        except NotPlainError:
            return self._deliver(file, attempt, is_plain=False)

    def _deliver(self, file: ProvedFile, attempt: Attempt, *, is_plain: bool) -> Delivered:
        with self._connected() as database:
            attempt.interrupt_with(lambda: _disconnect(database))
            try:
                self._require_schema(database)
                _set_limits(database, attempt)
                table = self.table(file.item)
                session = _PostgresSession(database, self._schema, is_plain=is_plain)
                full_name = f"{quoted_name(self._schema)}.{quoted_name(table)}"
                return self.deliver_rows(session, table, full_name, file, attempt)
            finally:
                attempt.interrupt_with(None)

    def _require_schema(self, database: psycopg.Connection[Any]) -> None:
        question = "SELECT has_schema_privilege(oid, 'USAGE'), current_user FROM pg_namespace WHERE nspname = %s"
        with translated():
            row = database.execute(question, (self._schema,)).fetchone()
        if row is None:
            raise DeliveryError(f"The database has no schema `{self._schema}`; create it, or set `schema` to another.")
        may_use, user = row
        if not may_use:
            raise DeliveryError(
                f"PostgreSQL: permission denied for schema {self._schema}. Run "
                f"GRANT USAGE, CREATE ON SCHEMA {quoted_name(self._schema)} TO {quoted_name(user)}."
            )

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection in a transaction, rolled back at the end unless it was committed."""
        import psycopg

        limits = self._surroundings
        idle_s = math.ceil(limits.idle_timeout_s)
        try:
            database = psycopg.connect(
                self._url.reveal(),
                connect_timeout=max(2, math.ceil(limits.connect_timeout_s)),
                application_name="sfr",
                keepalives_idle=idle_s,
                tcp_user_timeout=1000 * idle_s,
                # Statements are not worth preparing, and a pooler may not keep them.
                prepare_threshold=None,
                client_encoding="UTF8",
            )
        except psycopg.Error as error:
            raise connect_error(error) from error
        try:
            with unlogged():
                yield database
        finally:
            with suppress(psycopg.Error):
                database.close()


class _PostgresSession:
    """See `Session`."""

    def __init__(self, database: psycopg.Connection[Any], schema: str, *, is_plain: bool) -> None:
        self._database, self._schema, self._is_plain = database, schema, is_plain

    def execute(self, statement: str) -> int:
        with translated():
            return self._database.execute(statement).rowcount

    def first(self, statement: str) -> Sequence[Any] | None:
        with translated():
            row: Sequence[Any] | None = self._database.execute(statement).fetchone()
            return row

    def stage(self, csv: CsvFile, attempt: Attempt) -> None:
        columns = len(csv.labels)
        if columns > MAX_COLUMNS:
            raise DeliveryError(f"The report has {columns:,} columns, but PostgreSQL takes {MAX_COLUMNS:,} at most.")
        self.execute(f"{stage_of(columns)} ON COMMIT DROP")
        encoding = _ENCODINGS.get(csv.file.item.encoding.lower())
        if not self._is_plain or encoding is None:
            self._stage_rows(csv, attempt)
        else:
            self._stage_text(csv, attempt, encoding)
        # From here on the server works, and nothing is sent.
        attempt.interrupt_with(lambda: _disconnect(self._database), may_be_idle=True)

    def _stage_text(self, csv: CsvFile, attempt: Attempt, encoding: str) -> None:
        names = ", ".join(f"c{number}" for number in range(1, len(csv.labels) + 1))
        delimiter = csv.header.delimiter.decode("ascii")
        copy = (
            f"COPY {STAGE} FROM STDIN (FORMAT csv, HEADER true, DELIMITER '{delimiter}', ENCODING '{encoding}', "
            f"FORCE_NOT_NULL ({names}))"
        )
        try:
            with translated(), self._database.cursor() as cursor, cursor.copy(copy) as stream:
                for block in csv.plain_blocks(attempt):
                    stream.write(block)
        except DeliveryError as error:
            if not (error.is_transient or error.is_unreachable):
                csv.refuse_bad_row(attempt)  # names the row, which the server's message does not
            raise

    def _stage_rows(self, csv: CsvFile, attempt: Attempt) -> None:
        with translated(), self._database.cursor() as cursor, cursor.copy(f"COPY {STAGE} FROM STDIN") as stream:
            for number, record in enumerate(csv.records(attempt), 1):
                if any("\0" in cell for cell in record):
                    raise nul_error(number)
                stream.write_row(record)

    def columns(self, table: str) -> list[TableColumn] | None:
        with translated():
            # Only one run at a time: two would both remove the old rows and add theirs. Readers are not affected.
            self._database.execute("SELECT pg_advisory_xact_lock(%s)", (_lock_number(self._schema, table),))
            relation = self._database.execute(
                "SELECT c.oid, c.relkind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s",
                (self._schema, table),
            ).fetchone()
            if relation is None:
                return None
            if relation[1] not in ("r", "p", "f"):
                raise DeliveryError(f"{self._schema}.{table} is not a table: a view, for example.")
            found = self._database.execute(
                "SELECT attname, format_type(atttypid, atttypmod), format_type(atttypid, NULL), "
                "attnotnull OR atthasdef OR attidentity <> '' FROM pg_attribute "
                "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (relation[0],),
            ).fetchall()
        return [
            TableColumn(
                name,
                whole,
                is_text=base in _TEXT_TYPES,
                is_plain=not is_special,
                compared_as=_COMPARED_AS.get(base, ""),
            )
            for name, whole, base, is_special in found
        ]

    def commit(self) -> None:
        with translated():
            self._database.commit()


def _lock_number(schema: str, table: str) -> int:
    """The advisory lock of a table, the same in every run of SFR: a number of 64 bits with a sign."""
    digest = hashlib.sha256(f"sfr {schema}.{table}".encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _set_limits(database: psycopg.Connection[Any], attempt: Attempt) -> None:
    """Bound every wait on the server; one that loses its client ends by itself."""
    limits = {
        "lock_timeout": 1000 * LOCK_TIMEOUT_S,
        "statement_timeout": 1000 * attempt.remaining_s,
        "idle_in_transaction_session_timeout": 1000 * attempt.remaining_s,
    }
    with translated():
        for name, milliseconds in limits.items():
            database.execute("SELECT set_config(%s, %s, true)", (name, str(math.ceil(milliseconds))))
        if database.info.server_version >= 140000:
            database.execute("SELECT set_config('client_connection_check_interval', '5000', true)")


def _disconnect(database: psycopg.Connection[Any]) -> None:
    """Break a blocking call of another thread: its connection ends."""
    with socket.socket(fileno=os.dup(database.fileno())) as connection:
        connection.shutdown(socket.SHUT_RDWR)


def missing_extra() -> str | None:
    """What to install, if psycopg is missing."""
    if find_spec("psycopg") is None:
        return f"The destination `postgres` needs the package psycopg: {how_to_install('postgres')}"
    return None


KIND = Kind(PostgresSettings, Postgres, missing_extra)
