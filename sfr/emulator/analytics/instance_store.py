"""The org's asynchronous report runs (instances)."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

from sfr.emulator.analytics.run_plan import RunPlan
from sfr.emulator.catalogue.ids import numbered_id
from sfr.emulator.log_in.credentials import USER_ID


@dataclass(slots=True)
class ReportInstance:
    """One asynchronous run; changes only under the store's lock."""

    id: str
    plan: RunPlan
    details: bool
    requested: str
    polls_left: int
    status: str = "New"
    completed: str | None = None
    fails: bool = False

    def facts(self, root: str) -> dict[str, Any]:
        """The instance as JSON."""
        url = f"{root}/analytics/reports/{self.plan.report.id}/instances/{self.id}"
        return {
            "completionDate": self.completed,
            "hasDetailRows": self.details,
            "id": self.id,
            "ownerId": USER_ID,
            "queryable": False,
            "requestDate": self.requested,
            "status": self.status,
            "url": url,
        }


class InstanceStore:
    """All instances, deleted ones included. Thread-safe; hold `lock` to change one or to read one that may change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._instances: dict[str, ReportInstance] = {}
        self._ids_issued = 0

    def new_id(self) -> str:
        """A new instance id."""
        with self.lock:
            self._ids_issued += 1
            return numbered_id("0LG", self._ids_issued)

    def add(self, instance: ReportInstance) -> None:
        """Add a new instance."""
        with self.lock:
            self._instances[instance.id] = instance

    def of_report(self, report_id: str) -> tuple[ReportInstance, ...]:
        """The instances of a report (either form of its id), in order of creation."""
        with self.lock:
            instances = tuple(self._instances.values())
        return tuple(one for one in instances if one.plan.report.id[:15] == report_id[:15])

    def find(self, report_id: str, instance_id: str) -> ReportInstance | None:
        """A report's instance, unless it was deleted. Both ids may be in either form."""
        with self.lock:
            for instance in self.of_report(report_id):
                if instance.id[:15] == instance_id[:15] and instance.status != "Deleted":
                    return instance
        return None
