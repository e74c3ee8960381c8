"""Defines the tables of the history, and the keys by which a report is recognised in later runs."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sfr.model import Report

if TYPE_CHECKING:
    import sqlite3

#: Marks a database as SFR's own ("SFRH"); the version says which tables it has.
APPLICATION_ID = 0x53465248
VERSION = 3

_TABLES = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    started_at REAL NOT NULL,
    finished_at REAL,
    duration_s REAL,
    exit_code INTEGER,
    domain TEXT NOT NULL DEFAULT '',
    version TEXT NOT NULL DEFAULT '',
    threads INTEGER,
    workers INTEGER,
    retries INTEGER,
    worker_deaths INTEGER,
    is_partial INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE headers (
    number INTEGER PRIMARY KEY,
    labels TEXT NOT NULL UNIQUE
);
CREATE TABLE reports (
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    series BLOB NOT NULL,
    same_query BLOB NOT NULL,
    same_row BLOB NOT NULL,
    name TEXT NOT NULL,
    name_template TEXT NOT NULL,
    report_id TEXT NOT NULL,
    path TEXT NOT NULL,
    status TEXT,
    error TEXT,
    message TEXT NOT NULL DEFAULT '',
    attempt_count INTEGER NOT NULL DEFAULT 0,
    created_at REAL,
    pulled_at REAL,
    duration_s REAL,
    rows INTEGER,
    columns INTEGER,
    size_bytes INTEGER,
    sha256 TEXT,
    route TEXT,
    http_status INTEGER,
    header INTEGER,
    received_bytes INTEGER,
    waited_s REAL,
    loaded_s REAL,
    written_s REAL,
    filters TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE INDEX reports_by_series ON reports (series, run);
CREATE INDEX reports_by_row ON reports (same_row, run);
"""

#: A report whose file is proved and in place; written the same way in queries, so that SQLite uses the indexes.
GOOD = "(status IN ('saved', 'unchanged') OR error = 'delivery')"

_SINCE_2 = f"""
CREATE INDEX good_by_series ON reports (series, run) WHERE {GOOD};
CREATE INDEX good_by_query ON reports (same_query, run) WHERE {GOOD};
CREATE TABLE deliveries (
    destination BLOB NOT NULL,
    target TEXT NOT NULL,
    sfr_date TEXT NOT NULL DEFAULT '',
    sha256 TEXT NOT NULL,
    run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
    delivered_at REAL NOT NULL,
    PRIMARY KEY (target, destination, sfr_date)
) WITHOUT ROWID;
CREATE INDEX deliveries_by_run ON deliveries (run);
"""
#: Statements that turn the tables of a version into those of the next one.
_MIGRATIONS = {
    1: f"""
DROP INDEX good_by_series;
DROP INDEX good_by_query;
ALTER TABLE reports ADD COLUMN filters TEXT NOT NULL DEFAULT '';
{_SINCE_2}
""",
    2: "ALTER TABLE runs ADD COLUMN is_partial INTEGER NOT NULL DEFAULT 0",
}


def has_tables(database: sqlite3.Connection) -> bool:
    """True for a history, False for an empty database. Raises `ForeignDatabaseError` if SFR must not touch it."""
    version = _version(database)
    owner = database.execute("PRAGMA application_id").fetchone()[0]
    if version == 0 and owner == 0 and not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        return False
    if owner != APPLICATION_ID:
        raise ForeignDatabaseError("it is a database of another program")
    if version > VERSION:
        raise ForeignDatabaseError(f"a newer SFR created it (schema {version}, this SFR supports up to {VERSION})")
    return True


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def make_tables(database: sqlite3.Connection) -> None:
    """Create the tables in an empty database."""
    database.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} {_SINCE_2} PRAGMA user_version = {VERSION}; "
        f"PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
    )


def migrate(database: sqlite3.Connection) -> None:
    """Migrate the tables of an older SFR, all at once or not at all; records are kept."""
    if _version(database) == VERSION:
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        # Read again: another process may have been first.
        for version in range(_version(database), VERSION):
            for statement in _MIGRATIONS[version].split(";"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {version + 1}")
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


class ForeignDatabaseError(Exception):
    """The database is intact, but this SFR must not read or write it."""


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:16]


def _source(report: Report) -> str:
    return report.report_id or report.soql


def series(report: Report) -> bytes:
    """The same report on another day: id or query, name as in the list (dates not filled in), format."""
    return _digest(report.report_type, _source(report), report.name_template or report.name, report.format)


def same_query(report: Report) -> bytes:
    """The same report with the same parameters and directory: distinguishes rows that differ only in those."""
    name = report.name_template or report.name
    parts = (report.report_type, _source(report), name, report.format, report.export_params, report.directory)
    return _digest(*parts, *_filters(report))


def same_row(report: Report) -> bytes:
    """The same row of the list with the same dates (id, parameters, filters, route, destination, format), as `--resume`
    requires.
    """
    parts = (report.report_type, _source(report), report.export_params, report.path, report.format)
    route = () if report.route == "auto" else (f"route={report.route}",)
    return _digest(*parts, *_filters(report), *route)


def _filters(report: Report) -> tuple[str, ...]:
    """Nothing for a row without filters, so that SFR 1.0's records are found."""
    return (f"filters={report.filters}",) if report.filters else ()
