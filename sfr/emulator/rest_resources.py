"""The table of REST resources: method, path below the version, function."""

from __future__ import annotations

import re

from sfr.emulator import rest
from sfr.emulator.analytics import instances, reports
from sfr.emulator.records import bulk, soql_rest
from sfr.emulator.rest import Resource

_REPORT = r"analytics/reports/(?P<id>\w+)"
_INSTANCE = rf"{_REPORT}/instances/(?P<instance>\w+)"
_JOB = r"jobs/query/(?P<id>\w+)"

RESOURCES: tuple[tuple[str, re.Pattern[str], Resource], ...] = tuple(
    (method, re.compile(pattern), resource)
    for method, pattern, resource in (
        ("GET", "", rest.root),
        ("GET", "limits", rest.limits),
        ("GET", "(?:tooling/)?query(?:All)?", soql_rest.query),
        ("GET", r"query(?:All)?/(?P<cursor>\w+)-(?P<offset>\d+)", soql_rest.query_more),
        ("GET", "sobjects", soql_rest.sobjects),
        ("GET", r"sobjects/(?P<name>\w+)/describe", soql_rest.describe),
        ("GET", r"sobjects/(?P<name>\w+)/(?P<id>\w+)", soql_rest.record),
        ("GET", "analytics/reports", reports.reports),
        ("GET", "analytics/filteroperators", reports.filter_operators),
        ("GET", f"{_REPORT}/describe", reports.describe),
        ("GET", _REPORT, reports.run),
        ("POST", _REPORT, reports.run),
        ("GET", f"{_REPORT}/instances", instances.listed),
        ("POST", f"{_REPORT}/instances", instances.create),
        ("GET", _INSTANCE, instances.poll),
        ("DELETE", _INSTANCE, instances.delete),
        ("GET", "jobs/query", bulk.listed),
        ("POST", "jobs/query", bulk.create),
        ("GET", _JOB, bulk.poll),
        ("PATCH", _JOB, bulk.change),
        ("DELETE", _JOB, bulk.delete),
        ("GET", f"{_JOB}/results", bulk.results),
    )
)
