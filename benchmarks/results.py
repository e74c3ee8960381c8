"""What a benchmark found: figures with their spread, and targets that are met or missed."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """How the benchmarks are run: `scale` of the data, `rounds` of alternating runs, a directory in memory.

    patience_s: how long to wait for other programs to be quiet before each run; 0: neither wait nor repeat.
    """

    scale: float
    rounds: int
    memory_directory: Path
    patience_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity of one program, in every round."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle value."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Target:
    """A number that was promised, beside the number that was found."""

    what: str
    found: float
    limit: float
    unit: str = "×"
    at_most: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the promise holds here."""
        return self.found <= self.limit if self.at_most else self.found >= self.limit


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of the table of targets."""

    name: str
    title: str
    figures: tuple[Figure, ...] = ()
    targets: tuple[Target, ...] = ()
    notes: tuple[str, ...] = field(default=())


def ratio(figure: Figure, reference: Figure) -> float:
    """How many times the reference's median this figure's median is."""
    return figure.median / reference.median


def megabytes(name: str, size_bytes: list[int]) -> Figure:
    """A figure in MB of 1,000,000 bytes."""
    return Figure(name, "MB", tuple(size / 1e6 for size in size_bytes))
