"""Measures the rates at which several sources receive bytes, as exponential moving averages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

#: Approximate window of the average, seconds.
WINDOW_S = 8.0


@dataclass(slots=True)
class _Rate:
    received_bytes: int
    at_s: float
    bytes_per_s: float | None = None


class Rates:
    """One rate per source; sources missing from an update are dropped."""

    def __init__(self) -> None:
        self._rates: dict[Hashable, _Rate] = {}

    def note(self, received: Mapping[Hashable, int], now_s: float) -> dict[Hashable, float | None]:
        """Bytes per second by source, from the bytes each has received in total; None: not known yet."""
        self._rates = {
            source: _updated(self._rates.get(source), size_bytes, now_s) for source, size_bytes in received.items()
        }
        return {source: rate.bytes_per_s for source, rate in self._rates.items()}


def _updated(before: _Rate | None, received_bytes: int, now_s: float) -> _Rate:
    if before is None:
        return _Rate(received_bytes, now_s)
    step_s = now_s - before.at_s
    if step_s <= 0:
        return before
    now = max(0, received_bytes - before.received_bytes) / step_s
    weight = min(1.0, step_s / WINDOW_S)
    former = before.bytes_per_s
    return _Rate(received_bytes, now_s, now if former is None else former + weight * (now - former))
