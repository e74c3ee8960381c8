"""The tables of the history, and how a report is known again in a later run."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sfr.model import Report

if TYPE_CHECKING:
    import sqlite3

#: Marks a database as SFR's own ("SFRH"); the version says which tables it has.
APPLICATION_ID = 0x53465248
VERSION = 1

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
    worker_deaths INTEGER
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
    PRIMARY KEY (run, position)
) WITHOUT ROWID;
CREATE INDEX reports_by_series ON reports (series, run);
CREATE INDEX reports_by_row ON reports (same_row, run);
CREATE INDEX good_by_series ON reports (series, run) WHERE status IN ('saved', 'unchanged');
CREATE INDEX good_by_query ON reports (same_query, run) WHERE status IN ('saved', 'unchanged');
"""


def has_tables(database: sqlite3.Connection) -> bool:
    """True for a history, False for an empty database; `ForeignDatabaseError` for one that this SFR must not touch."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    owner = database.execute("PRAGMA application_id").fetchone()[0]
    if version == 0 and owner == 0 and not database.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
        return False
    if owner != APPLICATION_ID:
        raise ForeignDatabaseError("it is another program's database")
    if version > VERSION:
        raise ForeignDatabaseError(f"a newer SFR made it (tables {version}, this SFR knows {VERSION})")
    return True


def make_tables(database: sqlite3.Connection) -> None:
    """Make an empty database a history."""
    database.executescript(
        f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; PRAGMA application_id = {APPLICATION_ID}; COMMIT;"
    )


class ForeignDatabaseError(Exception):
    """The database is in order, but not for this SFR to read or write."""


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:16]


def _what(report: Report) -> str:
    return report.report_id or report.soql


def series(report: Report) -> bytes:
    """The same report on another day: id or query, name as in the list (dates not filled in), format."""
    return _digest(report.report_type, _what(report), report.name_template or report.name, report.format)


def same_query(report: Report) -> bytes:
    """The same report asked in the same way: tells rows apart that differ in parameters or directory only."""
    name = report.name_template or report.name
    return _digest(report.report_type, _what(report), name, report.format, report.export_params, report.directory)


def same_row(report: Report) -> bytes:
    """The same row of the list with the same dates: id, parameters, destination, format: what `--resume` goes by."""
    return _digest(report.report_type, _what(report), report.export_params, report.path, report.format)
