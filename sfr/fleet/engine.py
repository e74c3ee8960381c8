"""Defines an engine: what it is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from sfr.fleet.values import OrgResult, PlannedOrg


@dataclass(frozen=True, slots=True)
class OrgTask:
    """One attempt at an org."""

    planned: PlannedOrg
    #: From 1.
    attempt: int
    #: Whether reports that the last run saved are skipped.
    is_resume: bool


@dataclass(frozen=True, slots=True)
class OrgEnded:
    """An attempt has ended; attempts and seconds of the result are filled in by the engine."""

    task: OrgTask
    result: OrgResult
    #: Of its process, as a shell shows it; None if there was none.
    process_code: int | None = None


class FleetEngine(Protocol):
    """Runs tasks in the order in which they are submitted. A context manager: none of its processes outlives it."""

    def __enter__(self) -> FleetEngine: ...

    def __exit__(self, *_: object) -> None: ...

    def submit(self, task: OrgTask) -> None:
        """Add a task."""
        ...

    def results(self, timeout_s: float) -> list[OrgEnded]:
        """The attempts that have ended since the last call; waits up to `timeout_s` for the first."""
        ...

    def stop(self, signal_number: int) -> None:
        """Start no more tasks, and send the signal to those that run, which end after their own grace.

        Tasks that were not started are not reported.
        """
        ...

    @property
    def running(self) -> int:
        """How many orgs run at the moment."""
        ...
