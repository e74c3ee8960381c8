"""The values of a fleet: its orgs, and how they ended. Small: a fleet may have thousands. None holds a secret."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from sfr.errors import ExitCode


@dataclass(frozen=True, slots=True)
class Org:
    """One org of the list."""

    name: str
    #: Absolute path of its configuration.
    config: str
    #: Absolute path of its `--env-file`; None = the run's default.
    env_file: str | None = None


@dataclass(frozen=True, slots=True)
class PlannedOrg:
    """An org whose configuration was checked."""

    org: Org
    reports: int
    #: `fetch.stop_grace_s` of its configuration.
    stop_grace_s: float
    #: By its last run; None if there was none.
    expected_s: float | None = None
    #: Path of its report list; None if there is none.
    report_list: str | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run reports to its fleet, and the numbers of a fleet's summary."""

    saved: int = 0
    unchanged: int = 0
    skipped: int = 0
    failed: int = 0
    rows: int = 0
    size_bytes: int = 0

    @property
    def in_place(self) -> int:
        """Reports whose file is in place."""
        return self.saved + self.unchanged + self.skipped


@dataclass(frozen=True, slots=True)
class OrgResult:
    """How an org ended: a row of the fleet's summary."""

    name: str
    #: None: it did not end by itself, did not begin, or left no record.
    exit_code: int | None
    #: None: its run did not get as far as reporting them.
    totals: Totals | None = None
    seconds: float | None = None
    attempts: int = 0
    machine: str = ""
    #: Path of the org's own HTML or JSON summary; empty if there is none.
    summary: str = ""
    #: ISO 8601: when its run began.
    started: str = ""
    #: Why it ended so, if that is known.
    message: str = ""
    #: Reports whose file is in place although their delivery failed.
    undelivered: int = 0

    @property
    def is_good(self) -> bool:
        """Whether every report is in place and delivered."""
        return self.exit_code == ExitCode.SUCCESS

    @property
    def has_reports(self) -> bool:
        """Whether any report is in place."""
        return self.totals is not None and self.totals.in_place + self.undelivered > 0


@dataclass(frozen=True, slots=True)
class FleetResult:
    """How a fleet ended."""

    #: The fleet's file name without ending.
    name: str
    run_id: str
    started_at: datetime
    finished_at: datetime
    duration_s: float
    exit_code: int
    version: str
    engine: str
    at_once: int
    #: In list order.
    orgs: Sequence[OrgResult]

    @property
    def failed(self) -> int:
        """Orgs that did not end with 0."""
        return sum(not org.is_good for org in self.orgs)

    @property
    def totals(self) -> Totals:
        """Of all orgs."""
        known = [org.totals for org in self.orgs if org.totals is not None]
        return Totals(*(sum(getattr(each, field.name) for each in known) for field in fields(Totals)))
