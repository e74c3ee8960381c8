"""Defines an engine: what it is given, and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from sfr.fleet.checking import CheckedOrgs
from sfr.fleet.values import Org, OrgResult, PlannedOrg


@dataclass(frozen=True, slots=True)
class OrgTask:
    """One attempt at an org."""

    planned: PlannedOrg
    #: From 1.
    attempt: int
    #: Whether reports that the last run saved are skipped.
    is_resume: bool
    #: Whether all others are started before it.
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class OrgEnded:
    """An attempt has ended; attempts and seconds of the result are filled in by the engine."""

    task: OrgTask
    result: OrgResult
    #: Of its process, as a shell shows it; None if there was none.
    process_code: int | None = None
    #: Whether another attempt is pointless: the engine itself has failed.
    is_final: bool = False


class FleetEngine(Protocol):
    """Runs tasks in the order of `TaskQueue`. A context manager: none of its processes outlives it."""

    @property
    def at_once(self) -> int:
        """How many orgs may run at the same time; known once they have been checked."""
        ...

    def check(self, orgs: Sequence[Org], environ: Mapping[str, str], output: str) -> CheckedOrgs:
        """Check the configurations of all orgs offline, where they are to run, before `__enter__`.

        output: the fleet's own output directory. Raises ConfigurationError with all problems of all orgs.
        """
        ...

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
