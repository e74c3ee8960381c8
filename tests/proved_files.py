"""Report files as destinations get them, and what goes with them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from sfr.destinations import Item, ProvedFile, Surroundings
from sfr.report_list.date_template import fill_dates
from sfr.runner.delivery_attempt import DeliveryAttempt

AT = datetime(2026, 11, 23, 4, 10).astimezone()


def make_item(name: str = "Open Pipeline", form: str = "csv") -> Item:
    """The facts of a report of the run of 2026-11-23."""
    return Item(name, name, "00O1V0000000001UA4", form, "utf-8", "", AT)


def make_file(directory: Path, content: bytes, name: str = "Open Pipeline") -> ProvedFile:
    """A report file in this directory."""
    item = make_item(name)
    path = directory / item.file_name
    path.write_bytes(content)
    return ProvedFile(item, str(path), len(content), hashlib.sha256(content).hexdigest(), None)


def make_surroundings(*, connect_timeout_s: float = 10.0, idle_timeout_s: float = 30.0) -> Surroundings:
    """As a run makes them."""
    return Surroundings(fill_dates, 0o640, connect_timeout_s, idle_timeout_s)


def make_attempt(*, timeout_s: float = 60.0, idle_timeout_s: float = 30.0) -> DeliveryAttempt:
    """An attempt that nobody watches: it ends only where the destination calls `check`."""
    return DeliveryAttempt(".sfr-test-", timeout_s, idle_timeout_s)
