"""Reads HTTP/1.x requests from a connection: headers, and bodies framed by Content-Length or chunks."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from sfr.emulator.http.request import Request

_LINE_BYTES = 65_536
_HEADERS = 200
_BODY_BYTES = 64 << 20


class BadRequest(Exception):  # noqa: N818 - named as HTTP names it
    """Not a valid request; `status` is sent before closing the connection."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def read_request(file: BinaryIO, scheme: str, client: str, send_continue: Callable[[], None]) -> Request | None:
    """The next request; None if the connection is closed. Repeated slashes at the start of the path count as one.

    send_continue: sends `100 Continue` if the client expects it.

    Raises BadRequest, and OSError when the connection breaks.
    """
    line = file.readline(_LINE_BYTES)
    while line in (b"\r\n", b"\n"):
        line = file.readline(_LINE_BYTES)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest(400, "this is not an HTTP/1 request")
    headers = _read_headers(file)
    if headers.get("expect", "").lower() == "100-continue":
        send_continue()
    body = _read_body(file, headers)
    path = words[1] if words[1].startswith("/") else words[1].partition("://")[2].partition("/")[2]
    target = "/" + path.lstrip("/")
    return Request(words[0].upper(), target, headers, body, scheme, client, is_http_1_0=words[2] == "HTTP/1.0")


def _read_headers(file: BinaryIO) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(_HEADERS):
        line = file.readline(_LINE_BYTES)
        if line in (b"\r\n", b"\n"):
            return headers
        if not line:
            raise BadRequest(400, "the connection ended inside the headers")
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise BadRequest(400, "a header line has no colon")
        headers[name.strip().lower()] = value.strip()
    raise BadRequest(431, "too many headers")


def _read_body(file: BinaryIO, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", "").lower():
        return _read_chunks(file)
    length = headers.get("content-length", "0")
    if not length.isdigit():
        raise BadRequest(400, "Content-Length is not a number")
    if int(length) > _BODY_BYTES:
        raise BadRequest(413, "the body is too large")
    body = file.read(int(length))
    if len(body) < int(length):
        raise BadRequest(400, "the connection ended inside the body")
    return body


def _read_chunks(file: BinaryIO) -> bytes:
    body = bytearray()
    while True:
        size_text = file.readline(_LINE_BYTES).split(b";")[0].strip()
        try:
            size = int(size_text, 16)
        except ValueError:
            raise BadRequest(400, "a chunk has no size") from None
        if len(body) + size > _BODY_BYTES:
            raise BadRequest(413, "the body is too large")
        body += file.read(size)
        end = file.readline(_LINE_BYTES)
        if size == 0:
            while end not in (b"\r\n", b"\n", b""):
                end = file.readline(_LINE_BYTES)
            return bytes(body)
