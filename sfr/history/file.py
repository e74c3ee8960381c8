"""Opens the history's database; if it is unusable, warns and lets the run continue without it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from sfr.history.schema import ForeignDatabaseError, has_tables, make_tables, migrate
from sfr.storage.errors import reason_of
from sfr.storage.trusted import check_own, check_unwritable, make_directories, open_or_create

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

#: How long to wait for another program that has locked the database.
LOCK_WAIT_S = 1.0
#: Files that SQLite keeps beside a database, and trusts when it opens it.
COMPANION_SUFFIXES = ("-wal", "-shm", "-journal")
#: SQLite's primary result codes (sqlite.org/rescode.html).
BUSY, LOCKED, READONLY, CORRUPT, CANT_OPEN, NOT_A_DATABASE = 5, 6, 8, 11, 14, 26


def open_database(path: str, *, read_only: bool) -> sqlite3.Connection | None:
    """Open a connection in autocommit mode, tables created; if that is impossible, log a warning and return None.

    A damaged file is moved aside and replaced by a new one. A file that cannot be written is opened for reading. A
    database of a newer SFR or another program is left alone, as is one that another user may have created.
    """
    try:
        return _open_to_read(path) if read_only else _open_to_write(path)
    except ImportError:
        log.warning(
            "This Python has no sqlite3 module, so there is no history: --resume and guards that compare with earlier "
            "runs have no effect. Use a Python with sqlite3."
        )
    except ForeignDatabaseError as reason:
        log.warning("Not using the history %s: %s. Set `history.path` to another file.", path, reason)
    except OSError as error:
        log.warning(
            "Cannot use the history %s: %s. Fix that, or set `history.path` to another file.",
            path,
            reason_of(error),
        )
    return None


def _open_to_write(path: str) -> sqlite3.Connection | None:
    import sqlite3

    make_directories(os.path.dirname(path) or ".")
    _check_ours(path)
    try:
        with suppress(OSError):  # SQLite will report it
            os.close(open_or_create(path, os.O_RDWR))
        return _connect(path, _set_up)
    except sqlite3.Error as error:
        if result_code(error) in (CORRUPT, NOT_A_DATABASE):
            _move_aside(path)
            return _connect_or_warn(path, _set_up)
        log.warning("Cannot write the history %s: %s. This run will not be recorded.", path, error)
        return _open_to_read(path) if result_code(error) in (READONLY, CANT_OPEN) else None


def _open_to_read(path: str) -> sqlite3.Connection | None:
    if not os.path.lexists(path):
        return None
    _check_ours(path)
    address = f"file:{quote(os.path.abspath(path))}?mode=ro"
    # A database whose last writer was killed needs files beside it; if they cannot be created, read it as it is.
    database = _connect_or_warn(address, has_tables, quiet=True) or _connect_or_warn(
        f"{address}&immutable=1", has_tables
    )
    if database is not None and not has_tables(database):
        database.close()
        return None
    return database


def _check_ours(path: str) -> None:
    """Raise OSError if others could have substituted the files: SQLite opens them by name and follows links."""
    directory = os.path.dirname(path) or "."
    check_unwritable(os.stat(directory), directory, directory)
    for ending in ("", *COMPANION_SUFFIXES):
        with suppress(FileNotFoundError):
            status = os.lstat(path + ending)
            check_own(status, path + ending)
            check_unwritable(status, path + ending, directory)


def _connect_or_warn(
    path: str, set_up: Callable[[sqlite3.Connection], object], *, quiet: bool = False
) -> sqlite3.Connection | None:
    import sqlite3

    try:
        return _connect(path, set_up)
    except sqlite3.Error as error:
        if not quiet:
            log.warning("Cannot read the history: %s.", error)
        return None


def _connect(path: str, set_up: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    import sqlite3

    # Used by one thread at a time, not always the one that opened it.
    database = sqlite3.connect(
        path, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False, uri=path.startswith("file:")
    )
    try:
        database.row_factory = sqlite3.Row
        set_up(database)
    except UnicodeDecodeError as error:  # SQLite's own message about the damage is undecodable
        database.close()
        damage = sqlite3.DatabaseError("its tables are damaged")
        damage.sqlite_errorcode = CORRUPT
        raise damage from error
    except BaseException:
        database.close()
        raise
    return database


def _set_up(database: sqlite3.Connection) -> None:
    if not has_tables(database):
        make_tables(database)
    migrate(database)
    # A commit to the write-ahead log needs no sync and survives a killed process; a power cut may lose the last
    # commits, never the database. Without shared memory on the file system, SQLite keeps its rollback journal.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")


def has_cheap_commits(database: sqlite3.Connection) -> bool:
    """Whether a commit needs no sync."""
    return str(database.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def close_database(database: sqlite3.Connection) -> None:
    """Close it as a single file, readable from a read-only directory too, unless another process is using it."""
    import sqlite3

    with suppress(sqlite3.Error, UnicodeDecodeError):
        database.execute("PRAGMA journal_mode = DELETE")
    with suppress(sqlite3.Error):
        database.close()


def result_code(error: sqlite3.Error) -> int | None:
    """SQLite's primary result code; None for an error of the module itself."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _move_aside(path: str) -> None:
    aside = f"{path}.damaged-{time.strftime('%Y%m%d%H%M%S')}"
    log.warning("The history %s is damaged; moving it to %s and starting a new one.", path, aside)
    os.replace(path, aside)
    for suffix in COMPANION_SUFFIXES:
        with suppress(OSError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
