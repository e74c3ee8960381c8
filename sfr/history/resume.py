"""`--resume`: which reports the latest run has already brought, and whether their files are still what it wrote."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.files.trusted import open_report
from sfr.model import ReportStats, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfr.history.history import History
    from sfr.model import Report

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1024 * 1024


def already_there(reports: Iterable[Report], history: History, now: datetime, max_age_h: float) -> list[ReportStats]:
    """The reports that need not be fetched again, as `skipped`; what the history does not know is fetched."""
    skipped = []
    for report in reports:
        past = history.resumable(report, now, max_age_h)
        if past is not None and _is_as_written(past):
            log.info("%s is there already and is skipped.", report.name)
            skipped.append(replace(past, report=report, status=Status.SKIPPED, error=None, message=""))
    return skipped


def _is_as_written(past: ReportStats) -> bool:
    """Whether the file still has the size and, where one was taken, the hash of that run."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with open(open_report(past.report.path), "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size_bytes += len(block)
    except OSError:
        return False
    return size_bytes == past.size_bytes and past.sha256 in (None, digest.hexdigest())
