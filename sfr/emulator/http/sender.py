"""Sends a response according to its delivery: status line, headers, then the body through its stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate
from http import HTTPStatus

from sfr.emulator.http.body_stages import content, corrupt_gzip, file_pieces, gzip_stage
from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response
from sfr.emulator.http.wire import Hangup, Wire

_MISSING_BYTES = 4096
_PACE_S = 0.1


def send_response(wire: Wire, request: Request, response: Response, delivery: Delivery, gzip_level: int) -> bool:
    """Send a response; True if the connection can serve another request.

    Raises Hangup if the delivery ends the connection or the emulator stops, OSError if the client has closed it.
    """
    _open(wire, delivery)
    has_body = request.method != "HEAD" and response.status not in (204, 304)
    if not has_body:
        wire.send(_head(response, [("Content-Length", "0")] if response.status != 204 else []))
        return _keeps_alive(request)
    gzipped = _wants_gzip(request, response, delivery)
    framing = _framing(request, response, delivery, gzipped)
    headers = [("Content-Encoding", delivery.encoding_name or "gzip")] if gzipped or delivery.encoding_name else []
    headers += [("Vary", "Accept-Encoding")] if gzipped else []
    if framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
    elif framing in ("length", "overlong"):
        size = sum(map(len, _encoded(response, delivery, gzipped, gzip_level)))
        headers.append(("Content-Length", str(size + (_MISSING_BYTES if framing == "overlong" else 0))))
    stays = framing not in ("close", "overlong") and _keeps_alive(request)
    headers.append(("Connection", "keep-alive" if stays else "close"))
    wire.send(_head(response, headers))
    if delivery.body_delay_s:
        wire.pause(delivery.body_delay_s)
    pieces = _encoded(response, delivery, gzipped, gzip_level)
    _send_body(wire, _stalled(wire, _ended(wire, pieces, delivery), delivery), delivery, chunked=framing == "chunked")
    return stays


def _open(wire: Wire, delivery: Delivery) -> None:
    """Delays or faults before the status line."""
    if delivery.delay_s:
        wire.pause(delivery.delay_s)
    if delivery.opening == "reset":
        wire.reset()
    if delivery.opening == "garbage":
        wire.send(b"\x16\x03 this is not HTTP\r\n\r\n")
    if delivery.opening != "answer":
        raise Hangup


def _head(response: Response, headers: list[tuple[str, str]]) -> bytes:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = "Enhance Your Calm" if response.status == 420 else "Unknown"
    date = [] if any(name == "Date" for name, _ in response.headers) else [f"Date: {formatdate(usegmt=True)}"]
    lines = [f"HTTP/1.1 {response.status} {phrase}", *date]
    lines += [f"{name}: {value}" for name, value in (*response.headers, *headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8")


def _keeps_alive(request: Request) -> bool:
    connection = request.headers.get("connection", "").lower()
    return "keep-alive" in connection if request.is_http_1_0 else "close" not in connection


def _wants_gzip(request: Request, response: Response, delivery: Delivery) -> bool:
    if delivery.gzip is not None:
        return delivery.gzip
    if delivery.gzip_fault is not None:
        return True
    return request.accepts_gzip and response.body != b""


def _framing(request: Request, response: Response, delivery: Delivery, gzipped: bool) -> str:
    """chunked, length, overlong or close."""
    if delivery.framing == "chunked" or (
        delivery.framing == "auto" and (gzipped or not isinstance(response.body, bytes))
    ):
        return "close" if request.is_http_1_0 else "chunked"
    return "length" if delivery.framing == "auto" else delivery.framing


def _encoded(response: Response, delivery: Delivery, gzipped: bool, gzip_level: int) -> Iterator[bytes]:
    """The body's bytes on the wire, without framing."""
    is_whole = delivery.content_cut is None and not delivery.endless
    if not gzipped:
        return content(response, delivery)
    if response.gzip_file is not None and is_whole:
        packed = file_pieces(response.gzip_file)
    else:
        packed = gzip_stage(content(response, delivery), gzip_level)
    if delivery.gzip_fault is None:
        return packed
    return corrupt_gzip(packed, delivery.gzip_fault, delivery.gzip_after_bytes)


def _ended(wire: Wire, pieces: Iterator[bytes], delivery: Delivery) -> Iterator[bytes]:
    """End the connection after `wire_after_bytes`, at the latest before the end marker of the body."""
    limit = delivery.wire_after_bytes
    if limit is None:
        yield from pieces
        return
    for piece in pieces:
        if len(piece) >= limit:
            yield piece[:limit]
            break
        limit -= len(piece)
        yield piece
    if delivery.ending == "reset":
        wire.reset()
    raise Hangup


def _stalled(wire: Wire, pieces: Iterator[bytes], delivery: Delivery) -> Iterator[bytes]:
    """Pause after `stall_after_bytes`."""
    left = delivery.stall_after_bytes
    if left is None:
        yield from pieces
        return
    for piece in pieces:
        if left is not None and len(piece) >= left:
            yield piece[:left]
            wire.pause(delivery.stall_s)
            piece = piece[left:]
            left = None
        elif left is not None:
            left -= len(piece)
        if piece:
            yield piece
    if left is not None:
        wire.pause(delivery.stall_s)


def _send_body(wire: Wire, pieces: Iterator[bytes], delivery: Delivery, *, chunked: bool) -> None:
    for piece in _paced(wire, pieces, delivery.bytes_per_s):
        if piece:
            wire.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
    if delivery.no_last_chunk or delivery.framing == "overlong":
        raise Hangup
    if chunked:
        wire.send(b"0\r\n\r\n")


def _paced(wire: Wire, pieces: Iterator[bytes], bytes_per_s: float | None) -> Iterator[bytes]:
    if bytes_per_s is None:
        yield from pieces
        return
    size = max(1, int(bytes_per_s * _PACE_S))
    interval_s = size / bytes_per_s
    due = time.monotonic()
    for piece in pieces:
        for start in range(0, len(piece), size):
            yield piece[start : start + size]
            due += interval_s
            wire.pause(max(0.0, due - time.monotonic()))
