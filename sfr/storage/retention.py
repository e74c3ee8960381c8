"""`output.keep`: removes old files of reports with a date in their name.

Deletes only files that, according to the history, a run wrote for the same report, in the report's current directory,
under a name that matches its row in the report list, and of unchanged size. Never a file of this run.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Collection, Sequence
from typing import Protocol

from sfr.model import Report
from sfr.results import ReportStats

log = logging.getLogger(__name__)

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class WrittenFiles(Protocol):
    """The part of the history that concerns files."""

    def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
        """Path and size of every file that runs wrote for the report, newest first."""
        ...


def remove_old_files(
    reports: Sequence[ReportStats], keep: int, history: WrittenFiles, protected: Collection[str] = ()
) -> tuple[str, ...]:
    """Remove all but the newest `keep` old files of each report that this run fetched; returns their paths.

    protected: more paths to keep, such as those of reports of the list that failed. Failing to remove a file is only a
    warning.
    """
    current = {os.path.realpath(path) for path in protected}
    current |= {os.path.realpath(stats.report.path) for stats in reports}
    removed = []
    for stats in reports:
        if not stats.is_valid or not _PLACEHOLDER.search(stats.report.name_template):
            continue
        old = [path for path in _old_files(stats.report, history) if os.path.realpath(path) not in current]
        removed += [path for path in old[keep:] if _remove(path)]
    return tuple(removed)


def _old_files(report: Report, history: WrittenFiles) -> list[str]:
    """Unmodified files that earlier runs wrote for the report in this directory, newest first."""
    name = name_pattern(report.name_template)
    directory = os.path.normpath(report.directory)
    found = []
    for path, size_bytes in history.files(report):
        stem = os.path.basename(path).removesuffix(f".{report.format}")
        if os.path.dirname(os.path.normpath(path)) == directory and name.fullmatch(stem) and _is_unmodified(
            path, size_bytes
        ):  # fmt: skip
            found.append(path)
    return found


def name_pattern(template: str) -> re.Pattern[str]:
    """Matches the names that the template can produce, with any text in place of a date."""
    return re.compile(".+".join(map(re.escape, _PLACEHOLDER.split(template))), re.DOTALL)


def _is_unmodified(path: str, size_bytes: int | None) -> bool:
    """Whether this is a regular file, not a link, of that size: files that a user has changed are kept."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size_bytes


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError as error:
        log.warning("Cannot remove the old file %s: %s.", path, error.strerror or error)
        return False
    log.info("Removed the old file %s.", path)
    return True
