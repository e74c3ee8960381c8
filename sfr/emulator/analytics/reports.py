"""The Analytics API: list, describe and run reports."""

from __future__ import annotations

import re
from typing import Any

from sfr.emulator.analytics.fact_map import fact_map
from sfr.emulator.analytics.filters import operator_map
from sfr.emulator.analytics.metadata import attributes, extended_metadata, report_metadata, type_metadata
from sfr.emulator.analytics.run_plan import PlanError, RunPlan, make_plan
from sfr.emulator.analytics.run_rows import rows_of
from sfr.emulator.analytics.workbooks import wants_workbook, workbook_response
from sfr.emulator.catalogue.reports import Report
from sfr.emulator.http.responses import Response, json_response, rest_error
from sfr.emulator.org import Org
from sfr.emulator.rest import RestCall
from sfr.emulator.scenarios.scenario import RUN_REPORTS

_LISTED = 200


def reports(call: RestCall, _match: re.Match[str]) -> Response:
    """`GET /analytics/reports`: the most recently viewed reports, at most 200."""
    listed = []
    for report in call.org.catalogue.reports()[:_LISTED]:
        if report.listed and report.visible:
            url = f"{call.root}/analytics/reports/{report.id}"
            links = {"describeUrl": f"{url}/describe", "instancesUrl": f"{url}/instances", "url": url}
            listed.append({**links, "id": report.id, "name": report.name})
    return json_response(listed)


def filter_operators(call: RestCall, _match: re.Match[str]) -> Response:
    """`GET /analytics/filteroperators`."""
    return json_response(operator_map(ordered_ids=call.org.settings.ordered_ids))


def describe(call: RestCall, match: re.Match[str]) -> Response:
    """`GET /analytics/reports/<id>/describe`."""
    report = find_report(call, match["id"])
    if isinstance(report, Response):
        return report
    metadata = report_metadata(report)
    return json_response(
        {
            "attributes": attributes(report, call.root),
            "reportExtendedMetadata": extended_metadata(report, metadata),
            "reportMetadata": metadata,
            "reportTypeMetadata": type_metadata(report, ordered_ids=call.org.settings.ordered_ids),
        }
    )


def run(call: RestCall, match: re.Match[str]) -> Response:
    """`GET` or `POST /analytics/reports/<id>?includeDetails=true`: run it synchronously, as saved or with changes."""
    report = find_report(call, match["id"])
    if isinstance(report, Response):
        return report
    if not call.org.usage.count_report_run(call.org.settings, is_async=False):
        most = call.org.settings.hourly_report_runs
        text = f"You can't run more than {most} reports synchronously every 60 minutes. Try again later."
        return rest_error(403, "FORBIDDEN", text)
    plan = read_plan(call, report)
    if isinstance(plan, Response):
        return plan
    if wants_workbook(call.request):
        return workbook_response(call.org, plan)
    if report.format == "MultiBlock":
        return rest_error(400, "BAD_REQUEST", "The emulator can't run joined reports but as a workbook.")
    return json_response(run_facts(call.org, plan, call.root, details=wants_details(call)))


def find_report(call: RestCall, report_id: str) -> Report | Response:
    """The report, or the error if it does not exist or the user has no access."""
    report = call.org.catalogue.find(report_id)
    if report is None:
        text = (
            "The data you’re trying to access is unavailable. Either the report or dashboard isn’t available, or you "
            "don’t have access to it."
        )
        return rest_error(404, "NOT_FOUND", text)
    if not report.visible or RUN_REPORTS in call.org.settings.missing_permissions:
        return rest_error(403, "FORBIDDEN", "You don’t have sufficient privileges to perform this operation.")
    return report


def read_plan(call: RestCall, report: Report) -> RunPlan | Response:
    """The plan for the request body, or the error if it is invalid."""
    try:
        body = call.request.json() if call.request.method == "POST" else None
    except ValueError:
        return rest_error(400, "JSON_PARSER_ERROR", "The request body is not JSON.")
    settings = call.org.settings
    try:
        return make_plan(report, body, ordered_ids=settings.ordered_ids, ignored=settings.ignored)
    except PlanError as error:
        return rest_error(400, "BAD_REQUEST", str(error))


def wants_details(call: RestCall) -> bool:
    """Whether `includeDetails` is set; without it a run returns aggregates only."""
    return call.request.query.get("includeDetails", "false").lower() == "true"


def run_facts(org: Org, plan: RunPlan, root: str, *, details: bool) -> dict[str, Any]:
    """The JSON of a run."""
    rows = rows_of(org.row_orders, plan)
    return {
        "attributes": attributes(plan.report, root),
        **fact_map(plan, rows, details=details, limit=org.settings.detail_row_limit),
        "hasDetailRows": details,
        "picklistColors": {},
        "reportExtendedMetadata": extended_metadata(plan.report, plan.metadata),
        "reportMetadata": plan.metadata,
    }
