"""Faults that replace the response: a page, a redirect, an error status, an empty body."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlencode

from sfr.emulator.http.pages import PAGES, STEP_UP_PATH
from sfr.emulator.http.responses import Response, html_response, oauth_error, redirect, rest_error
from sfr.emulator.scenarios.effects import Effect, Scene


@dataclass(frozen=True, slots=True)
class Empty:
    """`empty`: 200 (or another status) with Content-Length 0."""

    status: int = 200

    def effect(self, _scene: Scene) -> Effect:
        """No body."""
        return Effect(Response(self.status, (("Content-Type", "text/csv; charset=UTF-8"),), b""))


@dataclass(frozen=True, slots=True)
class Html:
    """`html`: a page, by name (see `PAGES`), with a status, after `blank_lines` blank lines."""

    page: str = "session_lost"
    status: int = 200
    blank_lines: int = 0

    def __post_init__(self) -> None:
        if self.page not in PAGES:
            raise ValueError(f"page: one of {', '.join(PAGES)} is expected, not {self.page!r}")

    def effect(self, scene: Scene) -> Effect:
        """The page."""
        page = "\n" * self.blank_lines + PAGES[self.page](scene.url, scene.request.target)
        return Effect(html_response(page, self.status))


@dataclass(frozen=True, slots=True)
class Redirect:
    """`redirect`: to a URL, or to one of the known places below, with status 301, 302, 303, 307 or 308.

    to: `login` (same host), `login_other_host`, `challenge`, `loop` (the same address), `hop` (the same address with a
    counter, so that clients that check for repeated addresses loop too), `http` (the same address without TLS),
    `other_port`, `other_host`, `salesforce_host` (another My Domain), or a URL, to which the path is appended when
    keep_path is set.
    """

    to: str = "login"
    status: int = 302
    keep_path: bool = False

    def effect(self, scene: Scene) -> Effect:
        """The redirect."""
        return Effect(redirect(self._location(scene), self.status))

    def _location(self, scene: Scene) -> str:
        target = scene.request.target
        host = scene.request.host
        name = host.partition(":")[0]
        places = {
            "login": f"{scene.url}/?ec=302&startURL=%2F",
            "login_other_host": "https://login.salesforce.com/?ec=302&startURL=%2F",
            "challenge": f"{scene.url}{STEP_UP_PATH}?retURL=%2F",
            "loop": target,
            "hop": _next_hop(target),
            "http": f"http://{host}{target}",
            "other_port": f"{scene.request.scheme}://{name}:9{target}",
            "other_host": f"https://elsewhere.example{target}",
            "salesforce_host": f"https://acme--renamed.my.salesforce.com{target}",
        }
        if self.to in places:
            return places[self.to]
        return self.to.rstrip("/") + target if self.keep_path else self.to


@dataclass(frozen=True, slots=True)
class Status:
    """`status`: an HTTP status, with a matching body.

    retry_after: seconds, any text, or `date:+N` for a date N seconds ahead. error_code: makes it a REST error (a JSON
    array), with message. page: an HTML page by name. headers: more headers.
    """

    code: int = 500
    retry_after: str | int | float | None = None
    error_code: str | None = None
    message: str = "The emulator's scenario says so."
    page: str | None = None
    headers: tuple[tuple[str, str], ...] = field(default=())

    def effect(self, scene: Scene) -> Effect:
        """The status."""
        if self.error_code is not None:
            response = rest_error(self.code, self.error_code, self.message)
        else:
            page = PAGES[self.page](scene.url, scene.request.target) if self.page else self._page()
            response = html_response(page, self.code)
        headers = list(self.headers)
        if self.retry_after is not None:
            headers.append(("Retry-After", _retry_after(self.retry_after)))
        return Effect(response.with_headers(*headers))

    def _page(self) -> str:
        head = f"<html><head><title>{self.code}</title></head>"
        return f"{head}<body><h1>{self.code}</h1><p>{self.message}</p></body></html>\n"


@dataclass(frozen=True, slots=True)
class OAuthError:
    """`oauth_error`: an OAuth error, as the token endpoint returns it; at `/authorize` a redirect back to the app."""

    error: str = "invalid_grant"
    description: str = "user hasn't approved this consumer"
    status: int = 400

    def effect(self, scene: Scene) -> Effect:
        """The error."""
        asked = {**scene.request.query, **scene.request.form}
        back = asked.get("redirect_uri")
        if back and scene.request.path.endswith("/authorize"):
            values = {"error": self.error, "error_description": self.description, "state": asked.get("state", "")}
            return Effect(redirect(f"{back}?{urlencode(values)}"))
        return Effect(oauth_error(self.error, self.description, self.status))


@dataclass(frozen=True, slots=True)
class LoseSessions:
    """`lose_sessions`: every session ends first; then the org responds as it does without a session."""

    def effect(self, _scene: Scene) -> Effect:
        """End all sessions."""
        return Effect(ends_sessions=True)


def _next_hop(target: str) -> str:
    path, _, query = target.partition("?")
    parts = [part for part in query.split("&") if part and not part.startswith("hop=")]
    hops = [part for part in query.split("&") if part.startswith("hop=")]
    number = int(hops[0][4:]) + 1 if hops and hops[0][4:].isdigit() else 1
    return f"{path}?{'&'.join([*parts, f'hop={number}'])}"


def _retry_after(value: str | float) -> str:
    if isinstance(value, str) and value.startswith("date:"):
        moment = datetime.now(UTC) + timedelta(seconds=float(value.removeprefix("date:")))
        return format_datetime(moment, usegmt=True)
    return str(value)
