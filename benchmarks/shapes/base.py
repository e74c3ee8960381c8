"""What a shape of data is: column labels and rows."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of report, of which any amount can be made."""

    name: str
    title: str
    columns: tuple[str, ...]
    #: Rows without end, from a seeded source of chance.
    rows: Callable[[random.Random], Iterator[tuple[str, ...]]]
