"""A request as received: method, target, headers, body, and its credential."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; the last of repeated headers counts."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    scheme: str = "http"
    client: str = "127.0.0.1"
    is_http_1_0: bool = False

    @cached_property
    def path(self) -> str:
        """The path without the query."""
        return urlsplit(self.target).path

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The query's parameters; empty values are kept, the first of repeated names counts."""
        return _first_values(urlsplit(self.target).query)

    @cached_property
    def form(self) -> Mapping[str, str]:
        """The body as a submitted form; empty if it is not UTF-8."""
        try:
            return _first_values(self.body.decode())
        except UnicodeDecodeError:
            return {}

    def json(self) -> object:
        """The body as JSON; None for an empty one. Raises ValueError if it is not JSON."""
        return json.loads(self.body) if self.body.strip() else None

    @property
    def host(self) -> str:
        """The Host header."""
        return self.headers.get("host", "")

    @cached_property
    def sid(self) -> str | None:
        """The session id in the `sid` cookie."""
        for part in self.headers.get("cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == "sid" and value:
                return value.strip('"')
        return None

    @cached_property
    def bearer(self) -> str | None:
        """The token of the Authorization header: `Bearer TOKEN`, or `OAuth TOKEN` as older clients write."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() in ("bearer", "oauth") else None

    @property
    def credential(self) -> str:
        """The kind of credential: `sid`, `bearer`, `both` or `none`."""
        if self.sid and self.bearer:
            return "both"
        if self.sid:
            return "sid"
        return "bearer" if self.bearer else "none"

    @property
    def accepts_gzip(self) -> bool:
        """Whether Accept-Encoding includes gzip (and does not exclude it by q=0)."""
        for part in self.headers.get("accept-encoding", "").lower().split(","):
            name, _, weight = part.strip().partition(";")
            if name.strip() == "gzip":
                return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        return False


def _first_values(encoded: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        values.setdefault(name, value)
    return values
