"""What the accidents of `delivery_faults` came to, as a table."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Line:
    """What all accidents of a kind came to."""

    hits: int = 0
    misses: int = 0
    codes: Counter[int] = field(default_factory=Counter)
    #: Contents that destinations showed afterwards.
    new: int = 0
    old: int = 0
    longest_end_s: float = 0.0


@dataclass
class Figures:
    """What all accidents together came to."""

    lines: dict[str, Line] = field(default_factory=lambda: defaultdict(Line))
    runs: int = 0
    #: How often the org got other reports.
    changes: int = 0
    cut_uploads: int = 0
    left_temporaries: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def hits(self) -> int:
        """Accidents of every kind."""
        return sum(line.hits for line in self.lines.values())


def print_figures(figures: Figures, rounds: int, seed: int) -> int:
    """Print it; 0 if every promise held."""
    print(f"seed {seed}: {figures.hits} accidents in {rounds} rounds, {figures.runs} runs")
    print(f"{'accident':32} hits missed   new   old  over after  exit codes")
    for kind, line in figures.lines.items():
        codes = ", ".join(f"{number} × {code}" for code, number in sorted(line.codes.items()))
        print(f"{kind:32} {line.hits:4} {line.misses:6} {line.new:5} {line.old:5} {line.longest_end_s:9.1f} s  {codes}")
    print(f"seen after accidents: {figures.left_temporaries} temporary files, {figures.cut_uploads} parts of uploads")
    print("\n".join(figures.problems) or "every promise held")
    return 1 if figures.problems else 0
