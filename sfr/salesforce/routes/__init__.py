"""The routes by which reports are fetched, one module each. A new route is one module and one line in `ROUTES`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sfr.late_imports import import_late
from sfr.model import SOQL, Payload, Report
from sfr.salesforce.routes import browser_export, bulk_query
from sfr.salesforce.routes.context import FetchContext

CLASSIC, ANALYTICS, BULK, EXCEL = "classic", "analytics", "bulk", "excel"
#: Routes that Salesforce wants to be used for one report at a time.
ONE_AT_A_TIME = frozenset({EXCEL})


def _late(name: str) -> Callable[[FetchContext], Payload]:
    """`fetch` of a module of this package that is loaded with the first report that takes it."""

    def fetch(context: FetchContext) -> Payload:
        payload: Payload = import_late(f"{__name__}.{name}").fetch(context)
        return payload

    return fetch


ROUTES: Mapping[str, Callable[[FetchContext], Payload]] = {
    CLASSIC: browser_export.fetch,
    ANALYTICS: _late(ANALYTICS),
    BULK: bulk_query.fetch,
    EXCEL: _late(EXCEL),
}
"""Name of the route in the summary → function that fetches a report by it. Each raises `ReportError`."""


def first_route(report: Report) -> str:
    """The route that is tried first."""
    if report.report_type == SOQL:
        return BULK
    if report.route == "auto":
        # Only the API shows in its answer that it applied filters.
        return ANALYTICS if report.filters else CLASSIC
    return report.route


__all__ = ["ANALYTICS", "BULK", "CLASSIC", "EXCEL", "ONE_AT_A_TIME", "ROUTES", "FetchContext", "first_route"]
