"""Checks which routes work for this session: the classic export and the Analytics API. Saves nothing.

The export of one listed report is begun, and cut off once its beginning proves to be one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, cast

from sfr.commands.health.base import Finding, SetUp, Status
from sfr.errors import ErrorKind, ReportError
from sfr.model import Report
from sfr.salesforce.frontdoor import Frontdoor
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.rest import RestApi
from sfr.salesforce.routes import browser_export
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.session import Session

TIMEOUT_S = 60.0
ADD_WEB = "Add `web` to the app's OAuth scopes, or use `route: analytics`."


class _BegunError(Exception):
    """The export has begun; the rest is not needed."""


class _Beginning:
    """Stands in for a body: ends the exchange at the first bytes, which the route has accepted by then."""

    first_byte_clock_s = 0.0
    received_bytes = 0

    def write(self, _block: bytes) -> NoReturn:
        """Raise `_BegunError`."""
        raise _BegunError


def check_routes(set_up: SetUp) -> Iterator[Finding]:
    """Check both routes; a failing one is only a warning if the other works and no row requires it."""
    report, reports = set_up.sample, set_up.reports
    assert report is not None and reports is not None  # noqa: S101, PT018 - see `CHECKS`
    errors = {"classic": _error_of(_classic, set_up, report), "analytics": _error_of(_analytics, set_up, report)}
    demanded = {row.route for row in reports}
    for route, error in errors.items():
        if error is None:
            yield Finding(route, Status.OK, f"works for this session ({report.name})")
        elif error.kind is ErrorKind.TIMEOUT:
            message = f"no answer for {report.name} within {TIMEOUT_S:g} s, which proves nothing"
            yield Finding(route, Status.WARN, message, "A run waits longer: `fetch.timeout_s`.")
        else:
            others_work = any(other is None for name, other in errors.items() if name != route)
            status = Status.WARN if others_work and route not in demanded else Status.FAIL
            yield Finding(route, status, error.message, _remedy(route, error, set_up))


def _remedy(route: str, error: ReportError, set_up: SetUp) -> str:
    is_scope = route == "classic" and set_up.scopes is not None and not {"web", "full"} & set_up.scopes
    return ADD_WEB if is_scope else error.remedy


def _error_of(attempt: Callable[[SetUp, Report], None], set_up: SetUp, report: Report) -> ReportError | None:
    try:
        attempt(set_up, report)
    except ReportError as error:
        return error
    return None


def _classic(set_up: SetUp, report: Report) -> None:
    connection, loaded = set_up.connection, set_up.loaded
    assert connection is not None and loaded is not None  # noqa: S101, PT018 - see `CHECKS`
    context = FetchContext(
        report=report,
        baseline=None,
        attempt=1,
        route="classic",
        transport=connection.transport,
        session=connection.session,
        api_version=connection.api_version,
        deadline=_deadline(),
        incoming=cast("Any", _Beginning()),
        renew=_no_renewal,
        frontdoor=Frontdoor(loaded.redactor),
    )
    try:
        browser_export.fetch(context)
    except _BegunError:
        return


def _analytics(set_up: SetUp, report: Report) -> None:
    connection = set_up.connection
    assert connection is not None  # noqa: S101 - see `CHECKS`
    api = RestApi(connection.transport, connection.session, connection.api_version, _deadline())
    api.call("GET", f"/analytics/reports/{report.report_id}/describe")


def _deadline() -> Deadline:
    return Deadline.after(TIMEOUT_S, f"the {TIMEOUT_S:g} s for this check")


def _no_renewal(_session: Session) -> Session:
    raise ReportError(ErrorKind.AUTH, "The session was lost during the check.")
