"""Opens the history's database, whatever state it is in: a history that cannot be used costs a warning, not the run."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote

from sfr.files.errors import reason_of
from sfr.files.trusted import check_found, check_unwritable, make_directories, open_or_make
from sfr.history.schema import ForeignDatabaseError, has_tables, make_tables

if TYPE_CHECKING:
    import sqlite3

log = logging.getLogger(__name__)

#: How long to wait for another program that holds the database.
LOCK_WAIT_S = 1.0
#: What SQLite keeps beside a database, and takes for its own when it opens it.
COMPANION_ENDINGS = ("-wal", "-shm", "-journal")
#: SQLite's primary result codes (sqlite.org/rescode.html).
BUSY, LOCKED, READONLY, CORRUPT, CANT_OPEN, NOT_A_DATABASE = 5, 6, 8, 11, 14, 26


def open_database(path: str, *, read_only: bool) -> sqlite3.Connection | None:
    """A connection in autocommit mode with SFR's tables, or None, with a warning, if there can be none.

    A damaged file is moved aside and a new one begun. One that cannot be written is opened for reading. One that a
    newer SFR or another program made is left alone, and so is one that another user may have put there.
    """
    try:
        return _open_to_read(path) if read_only else _open_to_write(path)
    except ImportError:
        log.warning(
            "This Python has no sqlite3: there is no history, hence no guards against it and no --resume. "
            "Use a Python that has it."
        )
    except ForeignDatabaseError as reason:
        log.warning("The history %s is not used: %s. Name another file in `history.path`.", path, reason)
    except OSError as error:
        log.warning(
            "The history %s cannot be used: %s. Mend that, or name another file in `history.path`.",
            path,
            reason_of(error),
        )
    return None


def _open_to_write(path: str) -> sqlite3.Connection | None:
    import sqlite3

    make_directories(os.path.dirname(path) or ".")
    _check_ours(path)
    try:
        with suppress(OSError):  # SQLite says what is wrong
            os.close(open_or_make(path, os.O_RDWR))
        return _connect(path, _set_up)
    except sqlite3.Error as error:
        if result_code(error) in (CORRUPT, NOT_A_DATABASE):
            _move_aside(path)
            return _connect_or_warn(path, _set_up)
        log.warning("The history %s cannot be written: %s. This run leaves no trace in it.", path, error)
        return _open_to_read(path) if result_code(error) in (READONLY, CANT_OPEN) else None


def _open_to_read(path: str) -> sqlite3.Connection | None:
    if not os.path.lexists(path):
        return None
    _check_ours(path)
    address = f"file:{quote(os.path.abspath(path))}?mode=ro"
    # A database whose last writer was killed needs files beside it; where they cannot be made, it is read as it lies.
    database = _connect_or_warn(address, has_tables, quiet=True) or _connect_or_warn(
        f"{address}&immutable=1", has_tables
    )
    if database is not None and not has_tables(database):
        database.close()
        return None
    return database


def _check_ours(path: str) -> None:
    """Raise OSError if others could have put there what SQLite would open: it knows names only, and follows links."""
    directory = os.path.dirname(path) or "."
    check_unwritable(os.stat(directory), directory, directory)
    for ending in ("", *COMPANION_ENDINGS):
        with suppress(FileNotFoundError):
            status = os.lstat(path + ending)
            check_found(status, path + ending)
            check_unwritable(status, path + ending, directory)


def _connect_or_warn(
    path: str, set_up: Callable[[sqlite3.Connection], object], *, quiet: bool = False
) -> sqlite3.Connection | None:
    import sqlite3

    try:
        return _connect(path, set_up)
    except sqlite3.Error as error:
        if not quiet:
            log.warning("The history cannot be read: %s.", error)
        return None


def _connect(path: str, set_up: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    import sqlite3

    # One thread at a time uses it, but not always the one that opened it.
    database = sqlite3.connect(
        path, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False, uri=path.startswith("file:")
    )
    try:
        database.row_factory = sqlite3.Row
        set_up(database)
    except UnicodeDecodeError as error:  # not even what SQLite says of the damage can be read
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
    # A commit to the write-ahead log costs no sync and outlives a killed process; a power cut may take the last
    # ones, never the database. Where the file system has no shared memory, SQLite keeps its rollback journal.
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA foreign_keys = ON")


def has_cheap_commits(database: sqlite3.Connection) -> bool:
    """Whether a commit needs no sync."""
    return str(database.execute("PRAGMA journal_mode").fetchone()[0]) == "wal"


def close_database(database: sqlite3.Connection) -> None:
    """Close it as one plain file that can be read from a read-only directory too; a history in use stays as it is."""
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
    log.warning("The history %s is damaged; it was moved to %s, and a new one is begun.", path, aside)
    os.replace(path, aside)
    for suffix in COMPANION_ENDINGS:
        with suppress(OSError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
