"""Computes the backoff before a retry, and limits the retries of a whole run.

Pure arithmetic: the fetch schedule does the waiting.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

#: 2 to this power is far beyond any `max_s`; a larger exponent would overflow a float.
MAX_EXPONENT = 30


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter: a random wait between 0 and a ceiling that doubles up to `max_s`.

    Full jitter spreads the threads that failed together (AWS Builders' Library, "Timeouts, retries and backoff").
    """

    first_s: float
    max_s: float

    def ceiling_s(self, failures: int) -> float:
        """Maximum wait after this number of failures (1 or more)."""
        return min(self.max_s, self.first_s * 2.0 ** min(failures - 1, MAX_EXPONENT))

    def wait_s(self, failures: int, uniform: Callable[[float, float], float] = random.uniform) -> float:
        """Seconds to wait after this number of failures."""
        return uniform(0.0, self.ceiling_s(failures))


class RetryBudget:
    """Retries left for a whole run, so that a dead org fails fast, not after many retries of every report."""

    def __init__(self, retries: int) -> None:
        self._left = retries

    @classmethod
    def for_reports(cls, configured: int | None, reports: int) -> RetryBudget:
        """The configured budget; None is `auto`: twice the number of reports, at least 20."""
        return cls(max(20, 2 * reports) if configured is None else configured)

    def spend(self) -> bool:
        """Use up one retry; False if none is left."""
        if self._left <= 0:
            return False
        self._left -= 1
        return True
