"""`--resume`: finds the reports that the latest run already fetched and whose files are unmodified since."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.model import Status
from sfr.results import ReportStats
from sfr.storage.trusted import open_report

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sfr.history.history import History
    from sfr.model import Report

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1024 * 1024


def already_fetched(reports: Iterable[Report], history: History, now: datetime, max_age_h: float) -> list[ReportStats]:
    """Reports that need not be fetched again, as `skipped`; reports without a history are fetched."""
    skipped = []
    for report in reports:
        past = history.resumable(report, now, max_age_h)
        if past is not None and _is_unmodified(past):
            log.info("%s: skipped, already fetched.", report.name)
            skipped.append(replace(past, report=report, status=Status.SKIPPED, error=None, message=""))
    return skipped


def _is_unmodified(past: ReportStats) -> bool:
    """Whether the file still has the size and, if known, the hash that the run recorded."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with open(open_report(past.report.path), "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size_bytes += len(block)
    except OSError:
        return False
    return size_bytes == past.size_bytes and past.sha256 in (None, digest.hexdigest())
