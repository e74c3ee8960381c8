"""The ways to get a report, one module each. A new way is one module and one line in `CONNECTORS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sfr.config.report_columns import SOQL
from sfr.model import Report
from sfr.salesforce.routes import browser_export, bulk_query
from sfr.salesforce.routes.context import Exchange, Received

BULK = "bulk"


def _analytics(report: Report, exchange: Exchange) -> Received:
    from sfr.salesforce.routes import analytics

    return analytics.fetch(report, exchange)


CONNECTORS: Mapping[str, Callable[[Report, Exchange], Received]] = {
    "classic": browser_export.fetch,
    "analytics": _analytics,
    BULK: bulk_query.fetch,
}
"""Route, as the summary names it → what fetches a report that way. Each raises `ReportError`."""


def first_route(report: Report) -> str:
    """The route to begin with."""
    if report.report_type == SOQL:
        return BULK
    return "classic" if report.route == "auto" else report.route


__all__ = ["BULK", "CONNECTORS", "Exchange", "Received", "first_route"]
