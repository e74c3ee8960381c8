"""The two questions between the log-in and the first report: which API version, and does the session work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.network.statuses import status_error
from sfr.network.transport import Request
from sfr.network.web_pages import MovedError, looks_like_page, page_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from sfr.network.answers import CompleteAnswer
    from sfr.network.pace import Deadline
    from sfr.network.transport import Transport
    from sfr.session import Session

#: `salesforce.api_version` that asks the org.
LATEST = "latest"
#: Taken where the org does not tell.
FALLBACK_VERSION = "64.0"

_UNANSWERED = (ErrorKind.NETWORK, ErrorKind.TIMEOUT)
_VERSION = re.compile(r"[1-9]\d{1,2}\.0")


def examine(
    transport: Transport,
    session: Session,
    configured_version: str,
    new_deadline: Callable[[], Deadline],
    *,
    must_answer: bool = False,
) -> tuple[str, list[str]]:
    """Ask both questions, each with a deadline of its own: the API version to use, and warnings.

    Raises what `resolve_api_version` and `check` raise.
    """
    api_version, version_warning = resolve_api_version(transport, session, configured_version, new_deadline())
    check_warning = check(transport, session, api_version, new_deadline(), must_answer=must_answer)
    return api_version, [warning for warning in (version_warning, check_warning) if warning]


def resolve_api_version(
    transport: Transport, session: Session, configured: str, deadline: Deadline
) -> tuple[str, str | None]:
    """The API version to use, and a warning where the org could not be asked.

    `latest` takes the last of `GET /services/data/`, which needs no log-in and gets none. Raises ReportError only on a
    stop.
    """
    if configured != LATEST:
        return configured, None
    request = Request("GET", f"{session.instance_url}/services/data/", {"Accept": "application/json"})
    try:
        answer = transport.ask(request, deadline)
        if (problem := _error_of(answer)) is not None:
            raise problem
        version = _last_version(answer.json())
    except ReportError as error:
        if error.kind is ErrorKind.INTERRUPTED:
            raise
        return (
            FALLBACK_VERSION,
            f"The org's API versions could not be asked ({error.message}); {FALLBACK_VERSION} is used.",
        )
    if version is None:
        return FALLBACK_VERSION, f"The org's list of API versions is not understood; {FALLBACK_VERSION} is used."
    return version, None


def _last_version(versions: object) -> str | None:
    last = versions[-1] if isinstance(versions, list) and versions else None
    version = last.get("version") if isinstance(last, dict) else None
    return version if isinstance(version, str) and _VERSION.fullmatch(version) else None


def check(
    transport: Transport, session: Session, api_version: str, deadline: Deadline, *, must_answer: bool = False
) -> str | None:
    """Ask `GET /services/data/vNN/limits` with the session; a warning where the answer is not what it should be.

    Raises LogInError if the session does not work: a 401, a log-in page, an expired password or another page or code
    that stands between the user and the org, or a redirect to the org's other name. Raises ReportError on a stop, and
    with `must_answer` where no answer comes: a run goes on to its reports, which say more.
    """
    url = f"{session.instance_url}/services/data/v{api_version}/limits"
    request = Request("GET", url, {"Accept": "application/json", **session.bearer_headers()})
    try:
        answer = transport.ask(request, deadline)
        error = _error_of(answer)
    except ReportError as raised:
        error = raised
    if error is None:
        return None
    if error.kind is ErrorKind.AUTH or isinstance(error, MovedError):
        raise LogInError(f"The session does not work: {error}") from error
    if error.kind is ErrorKind.INTERRUPTED or (must_answer and error.kind in _UNANSWERED):
        raise error
    return f"The check of the session was not answered as expected: {error.message}"


def _error_of(answer: CompleteAnswer) -> ReportError | None:
    if looks_like_page(answer.body):
        return page_error(answer.status, answer.body, url=answer.url, headers=answer.headers)
    return None if answer.status == 200 else status_error(answer.status, answer.headers, answer.text)
