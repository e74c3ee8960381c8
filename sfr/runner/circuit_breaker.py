"""Stops deliveries to a destination that is down or refuses the log-in. Pure rules; main thread only."""

from __future__ import annotations

from sfr.errors import DeliveryError

#: This many deliveries in a row that failed on network, time-out or log-in open the breaker.
FAILURES_IN_A_ROW = 3


class CircuitBreaker:
    """Counts the failures in a row of each destination; once open, it stays open for the rest of the run."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._open: dict[str, DeliveryError] = {}

    def note_success(self, destination: str) -> None:
        """A delivery succeeded."""
        self._failures[destination] = 0

    def note_failure(self, destination: str, error: DeliveryError) -> None:
        """A delivery failed, after all its attempts. One that the destination itself refused shows that it works."""
        self._failures[destination] = self._failures.get(destination, 0) + 1 if error.is_unreachable else 0
        if self._failures[destination] >= FAILURES_IN_A_ROW and destination not in self._open:
            self._open[destination] = DeliveryError(
                f"Not tried: {FAILURES_IN_A_ROW} deliveries in a row to this destination had failed; the last: "
                f"{error.message}"
            )

    def refusal(self, destination: str) -> DeliveryError | None:
        """Why nothing is delivered to the destination any more; None while it is."""
        return self._open.get(destination)
