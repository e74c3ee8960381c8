"""Asynchronous report runs: `POST …/instances`, then `GET …/instances/<id>` until it says Success or Error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sfr.emulator.analytics.metadata import attributes
from sfr.emulator.analytics.reports import find_report, read_plan, run_facts, wants_details
from sfr.emulator.analytics.run_plan import RunPlan
from sfr.emulator.catalogue.ids import numbered_id
from sfr.emulator.http.answers import Answer, json_answer, no_content, rest_error
from sfr.emulator.log_in.credentials import USER_ID
from sfr.emulator.rest import RestCall, not_found


@dataclass(slots=True)
class ReportInstance:
    """One asynchronous run; changes only under the org's lock."""

    id: str
    plan: RunPlan
    details: bool
    requested: str
    polls_left: int
    status: str = "New"
    completed: str | None = None
    fails: bool = False

    def facts(self, root: str) -> dict[str, Any]:
        """As lists and creation show it."""
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


def create(call: RestCall, match: re.Match[str]) -> Answer:
    """`POST /analytics/reports/<id>/instances`."""
    report = find_report(call, match["id"])
    if isinstance(report, Answer):
        return report
    org = call.org
    if not org.usage.count_report_run(org.settings, is_async=True):
        most = org.settings.hourly_async_report_runs
        text = f"You can't run more than {most} reports asynchronously every 60 minutes. Try again later."
        return rest_error(403, "FORBIDDEN", text)
    plan = read_plan(call, report)
    if isinstance(plan, Answer):
        return plan
    with org.lock:
        number = len(org.report_instances) + 1
        instance = ReportInstance(
            numbered_id("0LG", number), plan, wants_details(call), _now(), org.settings.async_polls,
            fails=org.settings.async_runs_fail,
        )  # fmt: skip
        org.report_instances[instance.id] = instance
        return json_answer(instance.facts(call.root))


def listed(call: RestCall, match: re.Match[str]) -> Answer:
    """`GET /analytics/reports/<id>/instances`."""
    report = find_report(call, match["id"])
    if isinstance(report, Answer):
        return report
    with call.org.lock:
        instances = [one for one in call.org.report_instances.values() if one.plan.report.id == report.id]
        return json_answer([instance.facts(call.root) for instance in reversed(instances)])


def poll(call: RestCall, match: re.Match[str]) -> Answer:
    """`GET /analytics/reports/<id>/instances/<instance id>`: every poll moves it on; results once it says Success."""
    instance = _find(call, match)
    if instance is None:
        return not_found()
    with call.org.lock:
        _move_on(instance)
        facts = instance.facts(call.root)
    report = instance.plan.report
    about = {
        **attributes(report, call.root),
        "id": instance.id,
        "status": facts["status"],
        "ownerId": USER_ID,
        "requestDate": instance.requested,
        "completionDate": instance.completed,
        "errorMessage": "The emulator's scenario lets asynchronous runs fail." if facts["status"] == "Error" else None,
        "queryable": False,
        "type": "ReportInstance",
    }
    if facts["status"] != "Success":
        empty = {"allData": True, "factMap": {}, "hasDetailRows": instance.details}
        return json_answer({"attributes": about, **empty, "reportMetadata": instance.plan.metadata})
    return json_answer({**run_facts(call.org, instance.plan, call.root, details=instance.details), "attributes": about})


def delete(call: RestCall, match: re.Match[str]) -> Answer:
    """`DELETE /analytics/reports/<id>/instances/<instance id>`."""
    instance = _find(call, match)
    if instance is None:
        return not_found()
    with call.org.lock:
        instance.status = "Deleted"
    return no_content()


def _find(call: RestCall, match: re.Match[str]) -> ReportInstance | None:
    with call.org.lock:
        for known, instance in call.org.report_instances.items():
            is_named = known[:15] == match["instance"][:15] and instance.plan.report.id[:15] == match["id"][:15]
            if is_named and instance.status != "Deleted":
                return instance
    return None


def _move_on(instance: ReportInstance) -> None:
    if instance.status in ("Success", "Error"):
        return
    if instance.polls_left > 0:
        instance.polls_left -= 1
        instance.status = "Running"
        return
    instance.status = "Error" if instance.fails else "Success"
    instance.completed = _now()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
