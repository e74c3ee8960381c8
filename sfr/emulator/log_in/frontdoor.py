"""`/secur/frontdoor.jsp`: exchanges a token with scope `web` or `full` for a browser session."""

from __future__ import annotations

from sfr.emulator.http import pages
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response, redirect
from sfr.emulator.org import Org


def frontdoor(org: Org, request: Request) -> Response:
    """302 with the `sid` cookie of a new browser session; the log-in form if the token is not valid for web pages."""
    url = org.base_url(request)
    session = org.sessions.find(request.form.get("sid") or request.query.get("sid"))
    if session is None or not session.opens_pages:
        return html_response(pages.login(url))
    browser = org.sessions.issue("browser")
    target = request.form.get("retURL") or request.query.get("retURL") or "/"
    location = f"{url}{target}" if target.startswith("/") and not target.startswith("//") else url
    secure = "; secure" if request.scheme == "https" else ""
    return redirect(location, cookie=f"sid={browser.token}; path=/{secure}; HttpOnly")
