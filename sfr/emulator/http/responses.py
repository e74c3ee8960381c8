"""Responses, with constructors for Salesforce's JSON, errors, pages and XML."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body.

    body: bytes, or a function that returns a new iterator over the body.
    footer: the end of an export's body, separate, so that a fault can cut before or inside it.
    gzip_file: the whole body, already compressed.
    """

    status: int
    headers: Headers
    body: bytes | Callable[[], Iterator[bytes]]
    footer: bytes = b""
    gzip_file: Path | None = None

    def pieces(self) -> Iterator[bytes]:
        """The body without its footer."""
        if isinstance(self.body, bytes):
            return iter((self.body,) if self.body else ())
        return self.body()

    def with_headers(self, *headers: tuple[str, str]) -> Response:
        """The same response with more headers."""
        return replace(self, headers=(*self.headers, *headers))


def json_response(value: object, status: int = 200) -> Response:
    """A JSON body."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, (("Content-Type", "application/json;charset=UTF-8"), *_NO_CACHE), body)


def rest_error(status: int, code: str, message: str) -> Response:
    """A REST error: a JSON *array* of one object."""
    return json_response([{"message": message, "errorCode": code}], status)


def oauth_error(error: str, description: str, status: int = 400) -> Response:
    """An OAuth error: a JSON *object*."""
    return json_response({"error": error, "error_description": description}, status)


def html_response(page: str, status: int = 200) -> Response:
    """An HTML page."""
    return Response(status, (("Content-Type", "text/html; charset=UTF-8"), *_NO_CACHE), page.encode())


def xml_response(document: str, status: int = 200) -> Response:
    """An XML document, as returned by the SOAP API."""
    return Response(status, (("Content-Type", "text/xml; charset=utf-8"), *_NO_CACHE), document.encode())


def redirect(location: str, status: int = 302, *, cookie: str | None = None) -> Response:
    """A redirect with an empty body."""
    headers: Headers = (("Location", location), *_NO_CACHE)
    return Response(status, (*headers, ("Set-Cookie", cookie)) if cookie else headers, b"")


def no_content() -> Response:
    """204."""
    return Response(204, (), b"")


_NO_CACHE: Headers = (("Cache-Control", "no-cache,must-revalidate,max-age=0,no-store,private"),)
