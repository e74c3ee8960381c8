"""Numbers as people read them: counts, sizes, durations, times. Not for files that programs read."""

from __future__ import annotations

from datetime import datetime

#: Placeholder for an unknown number.
UNKNOWN = "–"
UNKNOWN_ASCII = "-"

_STEP = 1024
_UNITS = ("B", "KB", "MB", "GB", "TB")
_MINUTE_S = 60
_HOUR_S = 3600
_TEN = 10
_HUNDRED = 100


def count(number: int | None) -> str:
    """`1,234,567`."""
    return UNKNOWN if number is None else f"{number:,}"


def counted(number: int, noun: str) -> str:
    """`1 report`, `12 reports`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(size_bytes: float | None) -> str:
    """`812 B`, `4.2 MB`, `118 MB`; a KB is 1,024 bytes, as in the summary's `file_size`."""
    if size_bytes is None:
        return UNKNOWN
    amount = float(size_bytes)
    for unit in _UNITS:
        if amount < _STEP or unit == _UNITS[-1]:
            break
        amount /= _STEP
    return f"{amount:.1f} {unit}" if unit != "B" and amount < _HUNDRED else f"{amount:,.0f} {unit}"


def duration(duration_s: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 05 s`, `2 h 07 min`."""
    if duration_s is None:
        return UNKNOWN
    if duration_s < _TEN:
        return f"{max(duration_s, 0.0):.1f} s"
    whole_s = round(duration_s)
    if whole_s < _MINUTE_S:
        return f"{whole_s} s"
    if whole_s < _HOUR_S:
        return f"{whole_s // _MINUTE_S} min {whole_s % _MINUTE_S:02d} s"
    return f"{whole_s // _HOUR_S} h {whole_s % _HOUR_S // _MINUTE_S:02d} min"


def seconds(duration_s: float | None) -> str:
    """`12.3`, for a column whose head says the unit."""
    return UNKNOWN if duration_s is None else f"{duration_s:,.1f}"


def local_time(time: datetime | None) -> str:
    """`2026-11-23 19:15:04` in the machine's time zone."""
    return UNKNOWN if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M:%S")
