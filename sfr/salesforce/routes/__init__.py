"""The routes by which reports are fetched, one module each. A new route is one module and one line in `ROUTES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sfr.model import SOQL, Payload, Report
from sfr.salesforce.routes import browser_export, bulk_query
from sfr.salesforce.routes.context import FetchContext

CLASSIC, ANALYTICS, BULK = "classic", "analytics", "bulk"


def _analytics(context: FetchContext) -> Payload:
    from sfr.salesforce.routes import analytics

    return analytics.fetch(context)


ROUTES: Mapping[str, Callable[[FetchContext], Payload]] = {
    CLASSIC: browser_export.fetch,
    ANALYTICS: _analytics,
    BULK: bulk_query.fetch,
}
"""Name of the route in the summary → function that fetches a report by it. Each raises `ReportError`."""


def first_route(report: Report) -> str:
    """The route that is tried first."""
    if report.report_type == SOQL:
        return BULK
    return "classic" if report.route == "auto" else report.route


__all__ = ["ANALYTICS", "BULK", "CLASSIC", "ROUTES", "FetchContext", "first_route"]
