"""`--resume` and `max_age_h`: finds reports that need not be fetched, since their files are good and unmodified."""

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
    from collections.abc import Iterable, Sequence

    from sfr.history.history import History
    from sfr.model import Report

log = logging.getLogger(__name__)

_BLOCK_BYTES = 1024 * 1024


def not_to_fetch(
    reports: Sequence[Report], history: History, now: datetime, resume_max_age_h: float | None
) -> list[ReportStats]:
    """Reports that are skipped: by `--resume` (None: not given), else by their `max_age_h`."""
    resumed = [] if resume_max_age_h is None else already_fetched(reports, history, now, resume_max_age_h)
    positions = {stats.report.position for stats in resumed}
    return resumed + still_fresh([one for one in reports if one.position not in positions], history, now)


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


def still_fresh(reports: Iterable[Report], history: History, now: datetime) -> list[ReportStats]:
    """Reports fetched less than their `max_age_h` ago, as `skipped`, with their age in the message."""
    skipped = []
    for report in reports:
        past = history.fetched_since(report, now, report.max_age_h) if report.max_age_h else None
        sha256 = None if past is None else _unmodified_sha256(past)
        if past is not None and past.pulled_at is not None and sha256 is not None:
            age_s = max(0.0, (now - past.pulled_at).total_seconds())
            message = (
                f"Fetched {shown_age(age_s)} ago, at {past.pulled_at.astimezone():%Y-%m-%d %H:%M}; fetched again from "
                f"{report.max_age_h:g} h on (`max_age_h`)."
            )
            log.info("%s: skipped: %s", report.name, message)
            if report.deliver:
                past = replace(past, sha256=sha256)
            skipped.append(replace(past, report=report, status=Status.SKIPPED, error=None, message=message))
    return skipped


def shown_age(seconds: float) -> str:
    """An age in the largest unit that gives a readable number."""
    if seconds < 3600:
        return f"{seconds // 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
    return f"{seconds / 3600:.1f} h"


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
