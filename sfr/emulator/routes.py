"""Maps paths to their handlers and to the route names of the request log."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote

from sfr.emulator import rest
from sfr.emulator.exports import classic
from sfr.emulator.http import pages
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response
from sfr.emulator.log_in import authorize, frontdoor, identity, oauth
from sfr.emulator.log_in.soap import soap_login
from sfr.emulator.org import Org
from sfr.emulator.rest_resources import RESOURCES

Responder = Callable[[Org, Request], Response]
_REPORT_PATH = re.compile(r"^/00O[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?/?$")


def find_route(request: Request) -> tuple[str, Responder]:
    """The route's name and its function."""
    path = request.path
    if _REPORT_PATH.match(path):
        return ("export" if "export" in request.query else "page"), classic.export
    for prefix, name, responder in _PREFIXES:
        if path == prefix or path.startswith(prefix + "/"):
            return name, responder
    if path.startswith("/services/data/v"):
        return _rest_name(path), partial(rest.rest, resources=RESOURCES)
    if path.rstrip("/") == "/services/data":
        return "versions", rest.versions
    return "unknown", _unknown


def _rest_name(path: str) -> str:
    parts = path.split("/")[4:]
    first = parts[0] if parts and parts[0] else "root"
    return "bulk" if first == "jobs" else first


def _challenge(org: Org, request: Request) -> Response:
    return html_response(pages.challenge(org.base_url(request), request.query.get("retURL", "/")))


def _home(org: Org, request: Request) -> Response:
    """The log-in form, or a plain page for a logged-in user."""
    if org.sessions.find(request.sid):
        return html_response(pages.other(org.base_url(request), request.target))
    return html_response(pages.login(org.base_url(request)))


def _unknown(org: Org, request: Request) -> Response:
    if request.path in ("/", "/index.jsp", "/login.jsp"):
        return _home(org, request)
    return html_response(pages.url_no_longer_exists(org.base_url(request), quote(request.path)), 404)


_PREFIXES: tuple[tuple[str, str, Responder], ...] = (
    (authorize.PATH, "authorize", authorize.authorize),
    ("/services/oauth2/token", "login", oauth.token),
    ("/services/oauth2/revoke", "revoke", oauth.revoke),
    ("/services/oauth2/userinfo", "userinfo", identity.userinfo),
    ("/services/Soap", "login", soap_login),
    ("/id", "identity", identity.identity),
    ("/secur/frontdoor.jsp", "frontdoor", frontdoor.frontdoor),
    ("/_ui/identity", "challenge", _challenge),
)
