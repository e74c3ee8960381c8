"""The REST API at `/services/data/…`: versions, checks of version and token, `/limits`, dispatch to resources."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, json_response, rest_error
from sfr.emulator.log_in.credentials import ORG_ID, USER_ID
from sfr.emulator.org import Org
from sfr.emulator.scenarios.scenario import API_ENABLED

_FIRST_VERSION, _LAST_VERSION = 31, 67
_SEASONS = ("Winter", "Spring", "Summer")


@dataclass(frozen=True, slots=True)
class RestCall:
    """A call that passed the checks. version: `v64.0`. path: the rest of the path, without outer slashes."""

    org: Org
    request: Request
    version: str
    path: str

    @property
    def root(self) -> str:
        """The path before `path`, for links in responses."""
        return f"/services/data/{self.version}"


Resource = Callable[[RestCall, re.Match[str]], Response]


def versions(_org: Org, _request: Request) -> Response:
    """`GET /services/data/`: needs no log-in. One label is not ASCII, as in recorded responses."""
    listed = []
    for number in range(_FIRST_VERSION, _LAST_VERSION + 1):
        season, year = _SEASONS[(number - 20) % 3], 11 + (number - 20) // 3
        apostrophe = "’" if number == 47 else "'"
        version = f"{number}.0"
        listed.append(
            {"label": f"{season} {apostrophe}{year}", "url": f"/services/data/v{version}", "version": version}
        )
    return json_response(listed)


def rest(org: Org, request: Request, resources: tuple[tuple[str, re.Pattern[str], Resource], ...]) -> Response:
    """Handle a call below a version: check the version and the token, count it, dispatch to the resource."""
    version, _, path = request.path.removeprefix("/services/data/").partition("/")
    problem = _version_problem(version) or _token_problem(org, request)
    if problem is not None:
        return problem
    if not org.usage.count_api_request(org.settings):
        return rest_error(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    call = RestCall(org, request, version, path.strip("/"))
    response = _dispatch(call, resources)
    return response.with_headers(org.usage.header(org.settings))


def limits(call: RestCall, _match: re.Match[str]) -> Response:
    """`/limits`."""
    return json_response(call.org.usage.document(call.org.settings))


def root(call: RestCall, _match: re.Match[str]) -> Response:
    """`/services/data/vNN.0`: the resources."""
    names = ("analytics", "jobs", "limits", "query", "sobjects")
    identity = f"{call.org.instance_url(call.request)}/id/{ORG_ID}/{USER_ID}"
    return json_response({**{name: f"{call.root}/{name}" for name in names}, "identity": identity})


def not_found(message: str = "The requested resource does not exist") -> Response:
    """404."""
    return rest_error(404, "NOT_FOUND", message)


def _dispatch(call: RestCall, resources: tuple[tuple[str, re.Pattern[str], Resource], ...]) -> Response:
    allowed = set()
    for method, pattern, resource in resources:
        match = pattern.fullmatch(call.path)
        if match is None:
            continue
        if method == call.request.method or (method == "GET" and call.request.method == "HEAD"):
            return resource(call, match)
        allowed.add(method)
    if allowed:
        text = f"HTTP Method '{call.request.method}' not allowed. Allowed are {', '.join(sorted(allowed))}"
        return rest_error(405, "METHOD_NOT_ALLOWED", text)
    return not_found()


def _version_problem(version: str) -> Response | None:
    match = re.fullmatch(r"v(\d{1,3})\.0", version)
    if match is None or int(match[1]) > _LAST_VERSION:
        return not_found()
    if int(match[1]) < _FIRST_VERSION:
        return rest_error(410, "UNSUPPORTED_API_VERSION", "The requested resource no longer exists")
    return None


def _token_problem(org: Org, request: Request) -> Response | None:
    session = org.sessions.find(request.bearer)
    if session is None:
        return rest_error(401, "INVALID_SESSION_ID", "Session expired or invalid").with_headers(
            ("WWW-Authenticate", "Token")
        )
    if not session.opens_api:
        return rest_error(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API")
    if API_ENABLED in org.settings.missing_permissions:
        return rest_error(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
    return None
