"""Rows of 120 cells of which most are empty, the first and the last of a row often among them."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.shapes.base import Shape

COLUMNS = tuple(f"Custom Field {number}" for number in range(1, 121))
_FILLED = 10
_WORDS = ("Yes", "No", "Germany", "Tier 1", "Renewal", "2026-03-31", "12,500.00", "n/a", "Gold", "Q3")


def rows(chance: random.Random) -> Iterator[tuple[str, ...]]:
    """Rows without end, of about 430 bytes."""
    while True:
        cells = [""] * len(COLUMNS)
        for _ in range(_FILLED):
            cells[chance.randrange(len(cells))] = f"{chance.choice(_WORDS)} {chance.randrange(1000)}"
        yield tuple(cells)


WIDE = Shape("wide", "120 columns, most cells empty, 430 bytes a row", COLUMNS, rows)
