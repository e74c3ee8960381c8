"""The files that a run uses besides the reports; they must differ from each other and from every report file."""

from __future__ import annotations

from collections.abc import Iterator
from os.path import realpath

from sfr.config.settings import Config

#: A database file and SQLite's auxiliary files.
_SQLITE_ENDINGS = ("", "-journal", "-wal", "-shm")


def own_files(config: Config) -> Iterator[tuple[str, str]]:
    """(key path of the option, resolved path) of every file that the run uses itself, including rotated logs."""
    for position, target in enumerate(config.summary):
        yield f"summary[{position}].path", realpath(config.summary_path(target))
    log = config.logging.file
    if log.path is not None:
        yield "logging.file.path", realpath(log.path)
        for number in range(1, log.backups + 1):
            yield "logging.file.path", realpath(f"{log.path}.{number}")
    for ending in _SQLITE_ENDINGS:
        yield "history.path", realpath(config.history_path + ending)
    yield "the lock", realpath(config.lock_path)
    if config.reports.list is not None:
        yield "reports.list", realpath(config.reports.list)
