"""What the steps of one run share, and what they count."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from sfr.inbox import Inbox
from sfr.notify import Notifier
from sfr.runner.events import Event
from sfr.runner.plan import RunPlan
from sfr.runner.stop_signals import StopSignals
from sfr.storage.run_directory import temporary_prefix
from sfr.storage.unsupported_warning import UnsupportedWarning

if TYPE_CHECKING:
    from sfr.config.settings import Config


@dataclass(frozen=True, slots=True)
class Run:
    """What the steps of one run share."""

    plan: RunPlan
    inbox: Inbox[Event]
    notifier: Notifier
    run_id: str
    started_at: datetime
    started_clock_s: float
    signals: StopSignals
    unsupported: UnsupportedWarning = field(default_factory=UnsupportedWarning)

    @classmethod
    def begin(cls, plan: RunPlan, signals: StopSignals) -> Run:
        """A run that starts now."""
        now = datetime.now().astimezone()
        org = plan.loaded.config.salesforce
        notifier = Notifier(plan.loaded.config.notify, proxy=org.proxy, ca_bundle=org.ca_bundle)
        run_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        return cls(plan, Inbox(), notifier, run_id, now, time.monotonic(), signals)

    @property
    def config(self) -> Config:
        """Its configuration."""
        return self.plan.loaded.config

    @property
    def prefix(self) -> str:
        """Start of the names of its temporary files."""
        return temporary_prefix(self.run_id)


@dataclass(slots=True)
class RunCounters:
    """Counts of a run, for its summary."""

    threads: int = 0
    workers: int = 0
    deaths: int = 0
    stop_signal: int | None = None
