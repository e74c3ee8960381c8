"""The registry of engines: how the orgs of a fleet are run. A new engine is one module and one line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from sfr.errors import UsageError

if TYPE_CHECKING:
    from sfr.fleet.values import OrgResult, PlannedOrg

#: Name in the fleet's file → module with `open_engine`.
ENGINES = {"local": "sfr.fleet.local", "index": "sfr.fleet.index"}


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


def open_engine(name: str, at_once: int) -> FleetEngine:
    """The engine of this name. Raises UsageError if it is none of this version."""
    module = ENGINES.get(name)
    if module is None:
        raise UsageError(
            f"engine: `{name}` is not part of this version of SFR; expected `local`, or `index` under a scheduler "
            "that starts one process per org"
        )
    make: Callable[[int], FleetEngine] = import_module(module).open_engine
    return make(at_once)
