"""Sparklines: how a figure of a report changed over the last runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: Size of the drawing, as in the `viewBox` of its template.
WIDTH, HEIGHT = 100.0, 20.0
#: Margin on every side, so that line and dot are not clipped.
MARGIN = 2.5
#: Minimum of points.
FEWEST = 3


@dataclass(frozen=True, slots=True)
class Trend:
    """A sparkline."""

    #: A text alternative, for screen readers.
    label: str
    #: x and y, oldest first; the last point is this run's.
    points: tuple[tuple[float, float], ...]


def trend(values: Sequence[float | None], what: str, show: Callable[[float], str]) -> Trend | None:
    """A sparkline of the values, oldest first, this run's last; None if there are too few.

    what: the name of the figure. show: formats a value.
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
    """The largest value at the top, equal values in the middle. Changes below 2 % are not magnified."""
    spread = max(highest - lowest, abs(highest) * 0.02)
    share = 0.5 if spread == 0 else 0.5 + (value - (lowest + highest) / 2) / spread
    return round(HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share, 1)
