"""The events that the main thread handles during a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.runner.delivery_threads import DeliveryAttempted
from sfr.workers.generation import WorkerExited, WorkerReported

if TYPE_CHECKING:
    from sfr.errors import SfrError
    from sfr.model import Payload
    from sfr.runner.attempts import AttemptTimes, FailedAttempt
    from sfr.runner.schedule import FetchTask
    from sfr.salesforce.session import Session


@dataclass(frozen=True, slots=True)
class StartupDone:
    """Log-in and connection check are done; fetching may begin."""

    api_version: str


@dataclass(frozen=True, slots=True)
class StartupFailed:
    """The log-in or the connection check failed; there is no session to fetch with."""

    error: SfrError


@dataclass(frozen=True, slots=True)
class AttemptStarted:
    """A fetch thread is about to send the request of this task."""

    task: FetchTask
    at: datetime
    clock_s: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body arrived."""

    task: FetchTask
    payload: Payload
    session: Session
    times: AttemptTimes


@dataclass(frozen=True, slots=True)
class FetchFailed:
    """An attempt returned no body."""

    task: FetchTask
    failed: FailedAttempt


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The session is lost and cannot be renewed."""

    error: SfrError


@dataclass(frozen=True, slots=True)
class StopRequested:
    """A stop signal arrived: SIGINT or SIGTERM."""

    signal_number: int


@dataclass(frozen=True, slots=True)
class LeaseLost:
    """Another run has taken the output directory over."""


@dataclass(frozen=True, slots=True)
class ThreadCrashed:
    """A thread crashed because of a bug in SFR."""

    bug: BaseException


Event = (
    StartupDone
    | StartupFailed
    | AttemptStarted
    | Fetched
    | FetchFailed
    | SessionLost
    | DeliveryAttempted
    | StopRequested
    | LeaseLost
    | ThreadCrashed
    | WorkerReported
    | WorkerExited
)
