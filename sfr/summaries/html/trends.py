"""The small curves: how a figure of a report changed over the last runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: The drawing's size, as in the `viewBox` of its template.
WIDTH, HEIGHT = 100.0, 20.0
#: Room on every side, so that line and dot are not cut.
MARGIN = 2.5
#: Fewer points are no curve.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """A curve."""

    #: For those who cannot see it.
    label: str
    #: x and y, oldest first; the last point is this run's.
    points: tuple[tuple[float, float], ...]


def trend(values: Sequence[float | None], what: str, show: Callable[[float], str]) -> Trend | None:
    """A curve of the values, oldest first, the last of them this run's; None where there are too few.

    what: what the values are. show: turns one value into text.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < FEWEST or values[-1] is None:
        return None
    lowest, highest = min(value for _, value in known), max(value for _, value in known)
    label = f"{what} of the last {len(known)} runs: from {show(lowest)} to {show(highest)}, now {show(known[-1][1])}"
    return Trend(label, tuple((_x(index, len(values)), _y(value, lowest, highest)) for index, value in known))


def _x(index: int, count: int) -> float:
    return round(MARGIN + (WIDTH - 2 * MARGIN) * index / (count - 1), 1)


def _y(value: float, lowest: float, highest: float) -> float:
    """The largest value on top, equal values in the middle. A change below 2 % is drawn as small as it is."""
    spread = max(highest - lowest, abs(highest) * 0.02)
    share = 0.5 if spread == 0 else 0.5 + (value - (lowest + highest) / 2) / spread
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share, 1)
