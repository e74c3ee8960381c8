"""Two requests between the log-in and the first report: determine the API version, and check the session."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.salesforce.http.transport import Request
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import MovedError, looks_like_page, page_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfr.salesforce.http.deadlines import Deadline
    from sfr.salesforce.http.responses import FullResponse
    from sfr.salesforce.http.transport import Transport
    from sfr.salesforce.session import Session

#: `salesforce.api_version` that uses the newest version of the org.
LATEST = "latest"
#: Used if the org's versions cannot be determined.
FALLBACK_VERSION = "64.0"

_NO_RESPONSE = (ErrorKind.NETWORK, ErrorKind.TIMEOUT)
_VERSION = re.compile(r"[1-9]\d{1,2}\.0")


def examine(
    transport: Transport,
    session: Session,
    configured_version: str,
    new_deadline: Callable[[], Deadline],
    *,
    must_respond: bool = False,
) -> tuple[str, list[str]]:
    """Send both requests, each with a deadline of its own; returns the API version to use, and warnings.

    Raises the errors of `resolve_api_version` and `check`.
    """
    api_version, version_warning = resolve_api_version(transport, session, configured_version, new_deadline())
    check_warning = check(transport, session, api_version, new_deadline(), must_respond=must_respond)
    return api_version, [warning for warning in (version_warning, check_warning) if warning]


def resolve_api_version(
    transport: Transport, session: Session, configured: str, deadline: Deadline
) -> tuple[str, str | None]:
    """The API version to use, and a warning if the org's versions could not be determined.

    `latest` is the last entry of `GET /services/data/`, which needs no log-in and is sent without one. Raises
    ReportError only if the run is stopped.
    """
    if configured != LATEST:
        return configured, None
    request = Request("GET", f"{session.instance_url}/services/data/", {"Accept": "application/json"})
    try:
        response = transport.send(request, deadline)
        if (problem := _error_of(response)) is not None:
            raise problem
        version = _last_version(response.json())
    except ReportError as error:
        if error.kind is ErrorKind.INTERRUPTED:
            raise
        return (
            FALLBACK_VERSION,
            f"The org's API versions could not be fetched ({error.message}); using {FALLBACK_VERSION}.",
        )
    if version is None:
        return FALLBACK_VERSION, f"The org's list of API versions could not be parsed; using {FALLBACK_VERSION}."
    return version, None


def _last_version(versions: object) -> str | None:
    last = versions[-1] if isinstance(versions, list) and versions else None
    version = last.get("version") if isinstance(last, dict) else None
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else None


def check(
    transport: Transport, session: Session, api_version: str, deadline: Deadline, *, must_respond: bool = False
) -> str | None:
    """Check the session with `GET /services/data/vNN/limits`; returns a warning for an unexpected response.

    Raises LogInError if the session does not work: a 401, a log-in page, an interstitial such as an expired password,
    or a redirect to the org's new name. Raises ReportError if the run is stopped, and with `must_respond` if there is
    no response: a run continues with its reports, whose errors are more specific.
    """
    url = f"{session.instance_url}/services/data/v{api_version}/limits"
    request = Request("GET", url, {"Accept": "application/json", **session.bearer_headers()})
    try:
        response = transport.send(request, deadline)
        error = _error_of(response)
    except ReportError as raised:
        error = raised
    if error is None:
        return None
    if error.kind is ErrorKind.AUTH or isinstance(error, MovedError):
        raise LogInError(f"The session does not work: {error}") from error
    if error.kind is ErrorKind.INTERRUPTED or (must_respond and error.kind in _NO_RESPONSE):
        raise error
    return f"Unexpected response to the session check: {error.message}"


def _error_of(response: FullResponse) -> ReportError | None:
    if looks_like_page(response.body):
        return page_error(response.status, response.body, url=response.url, headers=response.headers)
    return None if response.status == 200 else status_error(response.status, response.headers, response.text)
