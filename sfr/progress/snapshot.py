"""Defines the snapshot of a run that the progress display shows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sfr.terminal.figures import duration

#: A shorter remaining time is not shown.
_MIN_ETA_S = 1.0


class Phase(StrEnum):
    """The current phase of a report in flight."""

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
    #: As received over the network, so far.
    received_bytes: int
    #: Current rate; None if not known yet, and once the report was received completely.
    bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The progress of a run at one moment."""

    #: Number of reports that have ended, how many of them failed, and the number of all.
    done: int
    failed: int
    total: int
    #: Reports in flight, in the order of their requests.
    reports: tuple[ReportProgress, ...]
    #: As received over the network, so far; `ended_bytes`: of the reports that have ended.
    received_bytes: int
    ended_bytes: int
    #: None if unknown, like `eta_s`.
    expected_total_bytes: int | None
    elapsed_s: float
    eta_s: float | None
    #: Reports whose file is in place and being delivered.
    delivering: int = 0

    @property
    def writing(self) -> int:
        """Number of reports that were received and are being processed, or wait for a worker."""
        return sum(report.phase is Phase.WRITING for report in self.reports)

    @property
    def fraction(self) -> float:
        """The completed part of the run, from 0 to 1: by bytes if their total is known, else by reports.

        A byte counts half once it was received, and half once its report has ended, since processing takes time too.
        """
        if self.done >= self.total:
            return 1.0
        if self.expected_total_bytes:
            return min(1.0, (self.received_bytes + self.ended_bytes) / (2 * self.expected_total_bytes))
        return self.done / self.total

    @property
    def time_to_go(self) -> str:
        """The remaining time in words; empty if unknown, or if the run takes longer than expected."""
        if self.eta_s is None or self.done >= self.total:
            return ""
        if self.eta_s >= _MIN_ETA_S:
            return f"about {duration(self.eta_s)} to go"
        return "finishing" if self.done + self.writing >= self.total else ""
