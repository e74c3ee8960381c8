"""What to run: the value that commands hand to the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.model import Report
from sfr.runner.deliveries import DeliveryMode

if TYPE_CHECKING:
    from sfr.config.settings import LoadedConfig


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What to run; everything is checked already."""

    loaded: LoadedConfig
    reports: tuple[Report, ...]
    #: Path of the configuration file, for the summaries.
    config_name: str = ""
    #: Whether `--only` selected the reports.
    is_partial: bool = False
    is_resume: bool = False
    #: True, False, or None: only on a terminal.
    progress: bool | None = None
    delivery_mode: DeliveryMode = DeliveryMode.MISSING
    #: Under a fleet: how many orgs run at the same time; None: not under a fleet.
    fleet_at_once: int | None = None
    #: The table of results is printed after the run, and to where the log goes.
    prints_table: bool = False

    @property
    def in_fleet(self) -> bool:
        """Whether it runs under a fleet."""
        return self.fleet_at_once is not None

    @property
    def has_deliveries(self) -> bool:
        """Whether any report goes to a destination."""
        return self.delivery_mode is not DeliveryMode.NONE and any(report.deliver for report in self.reports)
