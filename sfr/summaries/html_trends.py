"""The small curves of the HTML summary: how a report's rows, size and seconds went over the last runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sfr.summaries.markup import Markup, tag

WIDTH = 100.0
HEIGHT = 20.0
#: Room above and below, so that line and dot are not cut.
MARGIN = 2.5
#: Fewer points are no curve.
FEWEST = 3


def trend(values: Sequence[float | None], what: str, show: Callable[[float], str]) -> Markup | None:
    """A curve of the values, oldest first, the last of them this run's; None where there are too few.

    what: what the values are, for those who cannot see the curve. show: one value in words.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if len(known) < FEWEST or values[-1] is None:
        return None
    lowest, highest = min(value for _, value in known), max(value for _, value in known)
    label = f"{what} of the last {len(known)} runs: from {show(lowest)} to {show(highest)}, now {show(known[-1][1])}"
    points = [(_x(index, len(values)), _y(value, lowest, highest)) for index, value in known]
    return tag(
        "svg",
        tag("title", label),
        tag("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in points)),
        tag("circle", cx=points[-1][0], cy=points[-1][1], r="2.4", class_="f-loading"),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        role="img",
        aria_label=label,
        class_="trend",
    )


def _x(index: int, count: int) -> float:
    return MARGIN + (WIDTH - 2 * MARGIN) * index / (count - 1)


def _y(value: float, lowest: float, highest: float) -> float:
    """The largest value on top; equal values in the middle. A wobble below 2 % is drawn as one, not as a mountain."""
    spread = max(highest - lowest, abs(highest) * 0.02)
    share = 0.5 if spread == 0 else 0.5 + (value - (lowest + highest) / 2) / spread
    return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * share
