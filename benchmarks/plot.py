"""Draws results as SVG, by hand: bars of seconds with their spread, and every target as a share of what it allows."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from benchmarks.results import Figure, RowResult, Target

WIDTH = 860
LABEL_WIDTH = 400
VALUE_WIDTH = 110
BAR_HEIGHT = 14
LINE_HEIGHT = 22
#: Shares past this are cut off: the number is beside the bar.
LARGEST_SHARE = 1.5
REFERENCE, OURS, MISSED, SPREAD = "#8a8f98", "#1b6ca8", "#c0392b", "#22262b"
_STYLE = "text{font:13px system-ui,sans-serif;fill:#22262b}.h{font-weight:600}.n{fill:#5a6069}"


def draw(rows: Sequence[RowResult]) -> str:
    """A whole SVG document."""
    parts: list[str] = []
    y = 10
    for row in rows:
        timed = [figure for figure in row.figures if figure.unit == "s"]
        if row.name in {"gzip", "identity", "small"} and timed:
            y = _bars(parts, y, f"{row.title}: seconds, median and spread", timed)
    targets = [(row.name, target) for row in rows for target in row.targets if target.limit]
    y = _targets(parts, y, targets)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">'
    ground = f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>'
    title = "<title>SFR against curl and requests: seconds, and targets as a share of what they allow</title>"
    return "\n".join([head, title, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"]) + "\n"


def _bars(parts: list[str], y: int, title: str, figures: Sequence[Figure]) -> int:
    y = _heading(parts, y, title)
    largest = max(max(figure.values) for figure in figures)
    for figure in figures:
        scale = _room() / largest
        ours = figure.name.startswith("sfr")
        _label(parts, y, figure.name, f"{figure.median:.2f} s")
        _rectangle(parts, y, figure.median * scale, OURS if ours else REFERENCE)
        left, right = (LABEL_WIDTH + value * scale for value in (min(figure.values), max(figure.values)))
        middle = y + BAR_HEIGHT / 2
        parts.append(f'<path d="M{left:.1f} {middle}H{right:.1f}" stroke="{SPREAD}" stroke-width="2"/>')
        y += LINE_HEIGHT
    return y + LINE_HEIGHT // 2


def _targets(parts: list[str], y: int, targets: Sequence[tuple[str, Target]]) -> int:
    if not targets:
        return y
    y = _heading(parts, y, "Targets: the share used of what each allows (the line); shorter is better")
    scale = _room() / LARGEST_SHARE
    top = y
    for row, target in targets:
        share = target.found / target.limit if target.at_most else target.limit / target.found
        _label(parts, y, f"{row}: {target.what}", f"{target.found:.2f} of {target.limit:g} {target.unit}")
        drawn = min(max(share, 0.0), LARGEST_SHARE)
        _rectangle(parts, y, drawn * scale, OURS if target.is_met else MISSED)
        y += LINE_HEIGHT
    line = LABEL_WIDTH + scale
    parts.append(
        f'<path d="M{line:.1f} {top - 4}V{y - 4}" stroke="{SPREAD}" stroke-width="1.5" stroke-dasharray="4 3"/>'
    )
    return y + LINE_HEIGHT // 2


def _room() -> int:
    return WIDTH - LABEL_WIDTH - VALUE_WIDTH - 20


def _heading(parts: list[str], y: int, text: str) -> int:
    parts.append(f'<text class="h" x="10" y="{y + 12}">{escape(text)}</text>')
    return y + LINE_HEIGHT + 4


def _label(parts: list[str], y: int, name: str, value: str) -> None:
    baseline = y + BAR_HEIGHT - 2
    parts.append(f'<text x="{LABEL_WIDTH - 10}" y="{baseline}" text-anchor="end">{escape(name)}</text>')
    parts.append(f'<text class="n" x="{WIDTH - 10}" y="{baseline}" text-anchor="end">{escape(value)}</text>')


def _rectangle(parts: list[str], y: int, width: float, colour: str) -> None:
    parts.append(f'<rect x="{LABEL_WIDTH}" y="{y}" width="{width:.1f}" height="{BAR_HEIGHT}" fill="{colour}"/>')
