"""Where a run is at one moment: what the run hands to whatever displays it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sfr.terminal.figures import duration

#: Less than this to go is nothing that a person can plan with.
_SHORTEST_ETA_S = 1.0


class Phase(StrEnum):
    """What happens to a report at the moment."""

    WAITING = "waiting for Salesforce"
    DOWNLOADING = "downloading"
    WRITING = "checking and writing"


@dataclass(frozen=True, slots=True)
class ReportProgress:
    """A report in flight."""

    name: str
    phase: Phase
    #: Since the phase began.
    phase_s: float
    #: Over the network, so far.
    received_bytes: int
    #: Lately; None where that is not known yet, and once all has arrived.
    bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The run."""

    #: Reports that have ended, the failed ones among them; of how many.
    done: int
    failed: int
    total: int
    #: Reports in flight, in the order in which they began.
    reports: tuple[ReportProgress, ...]
    #: Over the network, so far; `ended_bytes`: of reports that have ended.
    received_bytes: int
    ended_bytes: int
    #: None where nothing is known yet, as below.
    expected_total_bytes: int | None
    elapsed_s: float
    eta_s: float | None
    #: Reports whose file is in place and on its way to destinations.
    delivering: int = 0

    @property
    def writing(self) -> int:
        """Reports that have arrived and are checked and written, or wait for a worker to do so."""
        return sum(report.phase is Phase.WRITING for report in self.reports)

    @property
    def fraction(self) -> float:
        """How much of the run is done, from 0 to 1: by bytes where their sum is known, else by reports.

        A byte counts half when it has arrived, and half when its report has ended: writing takes time, too.
        """
        if self.done >= self.total:
            return 1.0
        if self.expected_total_bytes:
            return min(1.0, (self.received_bytes + self.ended_bytes) / (2 * self.expected_total_bytes))
        return self.done / self.total

    @property
    def time_to_go(self) -> str:
        """In words; empty where nobody can say, also where the run takes longer than was expected."""
        if self.eta_s is None or self.done >= self.total:
            return ""
        if self.eta_s >= _SHORTEST_ETA_S:
            return f"about {duration(self.eta_s)} to go"
        return "finishing" if self.done + self.writing >= self.total else ""
