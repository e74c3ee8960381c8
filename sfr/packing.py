"""How a report ended, packed into bytes and back: a run of many thousands keeps that of every report to its end.

As a value of its own it would take six times the room. The report itself is not packed, since the run has it anyway,
nor are the column labels, which only the history wants.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import astuple, fields
from datetime import UTC, datetime
from typing import Any

from sfr.errors import ErrorKind
from sfr.model import FetchTimes, Report, ReportStats, Status

_PACKED = tuple(field.name for field in fields(ReportStats) if field.name not in ("report", "header"))


def pack(stats: ReportStats) -> bytes:
    """All of it but the report and the header."""
    return pickle.dumps([_plain(getattr(stats, name)) for name in _PACKED], pickle.HIGHEST_PROTOCOL)


def unpack(report: Report, packed: bytes) -> ReportStats:
    """What `pack` was given, without the header; points in time are told in the machine's zone."""
    values = dict(zip(_PACKED, pickle.loads(packed), strict=True))  # noqa: S301 - never left this process
    for name, restored in _RESTORED.items():
        if values[name] is not None:
            values[name] = restored(values[name])
    return ReportStats(report=report, **values)


def _plain(value: Any) -> Any:
    """Without a class that pickle would have to name: the names would take more room than the values."""
    if isinstance(value, Status | ErrorKind):
        return value.value
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, FetchTimes):
        return [_plain(each) for each in astuple(value)]
    return value


def _time(epoch_s: float) -> datetime:
    return datetime.fromtimestamp(epoch_s, UTC).astimezone()


def _fetch_times(values: list[Any]) -> FetchTimes:
    return FetchTimes(_time(values[0]), *values[1:])


_RESTORED: dict[str, Callable[[Any], Any]] = {
    "status": Status,
    "error": ErrorKind,
    "created_at": _time,
    "pulled_at": _time,
    "times": _fetch_times,
}
