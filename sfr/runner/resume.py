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
        sha256 = None if past is None else _unmodified_sha256(past)
        if past is not None and sha256 is not None:
            log.info("%s: skipped, already fetched.", report.name)
            if report.deliver:
                past = replace(past, sha256=sha256)
            skipped.append(replace(past, report=report, status=Status.SKIPPED, error=None, message=""))
    return skipped


def _unmodified_sha256(past: ReportStats) -> str | None:
    """The file's hash, if it still has the size and, if known, the hash that the run recorded; else None."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with open(open_report(past.report.path), "rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
                size_bytes += len(block)
    except OSError:
        return None
    sha256 = digest.hexdigest()
    return sha256 if size_bytes == past.size_bytes and past.sha256 in (None, sha256) else None
