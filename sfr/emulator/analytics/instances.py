"""Asynchronous report runs: `POST …/instances`, then `GET …/instances/<id>` until its status is Success or Error."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from sfr.emulator.analytics.instance_store import ReportInstance
from sfr.emulator.analytics.metadata import attributes
from sfr.emulator.analytics.reports import find_report, read_plan, run_facts, wants_details
from sfr.emulator.http.responses import Response, json_response, no_content, rest_error
from sfr.emulator.log_in.credentials import USER_ID
from sfr.emulator.rest import RestCall, not_found


def create(call: RestCall, match: re.Match[str]) -> Response:
    """`POST /analytics/reports/<id>/instances`."""
    report = find_report(call, match["id"])
    if isinstance(report, Response):
        return report
    if report.format == "MultiBlock":
        return rest_error(400, "BAD_REQUEST", "The emulator can't run joined reports but as a workbook.")
    org = call.org
    if not org.usage.count_report_run(org.settings, is_async=True):
        most = org.settings.hourly_async_report_runs
        text = f"You can't run more than {most} reports asynchronously every 60 minutes. Try again later."
        return rest_error(403, "FORBIDDEN", text)
    plan = read_plan(call, report)
    if isinstance(plan, Response):
        return plan
    instance = ReportInstance(
        org.report_instances.new_id(), plan, wants_details(call), _now(), org.settings.async_polls,
        fails=org.settings.async_runs_fail,
    )  # fmt: skip
    org.report_instances.add(instance)
    return json_response(instance.facts(call.root))


def listed(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /analytics/reports/<id>/instances`."""
    report = find_report(call, match["id"])
    if isinstance(report, Response):
        return report
    with call.org.report_instances.lock:
        instances = call.org.report_instances.of_report(report.id)
        return json_response([instance.facts(call.root) for instance in reversed(instances)])


def poll(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /analytics/reports/<id>/instances/<instance id>`: every poll advances it; has results once successful."""
    instance = call.org.report_instances.find(match["id"], match["instance"])
    if instance is None:
        return not_found()
    with call.org.report_instances.lock:
        _advance(instance)
        facts = instance.facts(call.root)
    report = instance.plan.report
    about = {
        **attributes(report, call.root),
        "id": instance.id,
        "status": facts["status"],
        "ownerId": USER_ID,
        "requestDate": instance.requested,
        "completionDate": instance.completed,
        "errorMessage": "The emulator's scenario makes asynchronous runs fail." if facts["status"] == "Error" else None,
        "queryable": False,
        "type": "ReportInstance",
    }
    if facts["status"] != "Success":
        empty = {"allData": True, "factMap": {}, "hasDetailRows": instance.details}
        return json_response({"attributes": about, **empty, "reportMetadata": instance.plan.metadata})
    return json_response(
        {**run_facts(call.org, instance.plan, call.root, details=instance.details), "attributes": about}
    )


def delete(call: RestCall, match: re.Match[str]) -> Response:
    """`DELETE /analytics/reports/<id>/instances/<instance id>`."""
    instance = call.org.report_instances.find(match["id"], match["instance"])
    if instance is None:
        return not_found()
    with call.org.report_instances.lock:
        instance.status = "Deleted"
    return no_content()


def _advance(instance: ReportInstance) -> None:
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
