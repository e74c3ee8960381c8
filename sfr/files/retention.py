"""`output.keep`: removes old files of reports whose name holds a date.

Deletes only what the history says a run wrote for the same report, in the directory the report is saved in now, under
a name that the report list's row could have made, and still of the size that was written. Never a file of this run.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Collection, Sequence
from typing import Protocol

from sfr.model import Report, ReportStats

log = logging.getLogger(__name__)

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")


class WrittenFiles(Protocol):
    """The history, as far as it is about files."""

    def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
        """Path and size of every file that runs wrote for the report, newest first."""
        ...


def remove_old_files(
    reports: Sequence[ReportStats], keep: int, history: WrittenFiles, protected: Collection[str] = ()
) -> tuple[str, ...]:
    """Remove all but the newest `keep` old files of each report that this run brought; returns their paths.

    protected: more paths that must stay, such as those of reports of the list that failed. A file that cannot be
    removed is a warning.
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
    """Files of the report that earlier runs wrote here and that are still as written, newest first."""
    name = name_pattern(report.name_template)
    directory = os.path.normpath(report.directory)
    found = []
    for path, size_bytes in history.files(report):
        stem = os.path.basename(path).removesuffix(f".{report.format}")
        if os.path.dirname(os.path.normpath(path)) == directory and name.fullmatch(stem) and _is_as_written(
            path, size_bytes
        ):  # fmt: skip
            found.append(path)
    return found


def name_pattern(template: str) -> re.Pattern[str]:
    """What names the template can make: its own characters, and anything where a date stands."""
    return re.compile(".+".join(map(re.escape, _PLACEHOLDER.split(template))), re.DOTALL)


def _is_as_written(path: str, size_bytes: int | None) -> bool:
    """Whether this is a plain file, not a link, of that size: what a person has changed is theirs."""
    try:
        status = os.lstat(path)
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size_bytes


def _remove(path: str) -> bool:
    try:
        os.unlink(path)
    except OSError as error:
        log.warning("The old file %s cannot be removed: %s.", path, error.strerror or error)
        return False
    log.info("Removed the old file %s.", path)
    return True
