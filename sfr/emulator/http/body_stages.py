"""Transforms a body before it is sent: cuts, compresses, corrupts. Each stage is a generator in constant memory."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from sfr.emulator.http.delivery import Delivery, GzipFault
from sfr.emulator.http.responses import Response

_FILE_PIECE_BYTES = 1 << 18
_GZIP_END_BYTES = 12


def content(response: Response, delivery: Delivery) -> Iterator[bytes]:
    """The uncompressed body for this delivery."""
    if delivery.endless:
        return _endless(response)
    match delivery.content_cut:
        case None:
            return chain(response.pieces(), (response.footer,) if response.footer else ())
        case "after_bytes":
            return cut(response.pieces(), delivery.content_after_bytes, keep_back=3)
        case "before_footer":
            return response.pieces()
        case "in_footer":
            return chain(response.pieces(), (_first_lines(response.footer, delivery.footer_lines),))
        case "in_row":
            return _without_end(response.pieces(), 3)
        case "in_quotes":
            return chain(response.pieces(), (b'"a cell that nobody ',))


def gzip_stage(pieces: Iterable[bytes], level: int) -> Iterator[bytes]:
    """The pieces as one gzip stream."""
    compressor = zlib.compressobj(level, zlib.DEFLATED, 31)
    for piece in pieces:
        packed = compressor.compress(piece)
        if packed:
            yield packed
    yield compressor.flush()


def corrupt_gzip(pieces: Iterator[bytes], fault: GzipFault, after_bytes: int) -> Iterator[bytes]:
    """The gzip stream with one fault; a cut or garbage starts before the end even in a short stream."""
    match fault:
        case "cut":
            return cut(pieces, after_bytes, keep_back=_GZIP_END_BYTES)
        case "no_trailer":
            return _without_end(pieces, 8)
        case "bad_crc":
            return _with_end(pieces, 8, lambda end: bytes(byte ^ 0xFF for byte in end[:4]) + end[4:])
        case "garbage":
            good = cut(pieces, after_bytes, keep_back=_GZIP_END_BYTES)
            return chain(good, (bytes(range(255, 0, -1)) * 4,))
        case "trailing":
            return chain(pieces, (b"something after the end of the gzip stream",))


def cut(pieces: Iterable[bytes], after_bytes: int, *, keep_back: int) -> Iterator[bytes]:
    """The first `after_bytes` bytes, without the last `keep_back` ones."""
    left = after_bytes
    for piece in _without_end(pieces, keep_back):
        if left <= 0:
            return
        yield piece[:left]
        left -= len(piece)


def file_pieces(path: Path) -> Iterator[bytes]:
    """A file's bytes."""
    with path.open("rb") as file:
        while piece := file.read(_FILE_PIECE_BYTES):
            yield piece


def _endless(response: Response) -> Iterator[bytes]:
    """The header record once, then the rows repeatedly."""
    first = True
    while True:
        pieces = response.pieces()
        header = next(pieces, b"")
        if first:
            yield header
        first = False
        rows = next(pieces, b"") or b'"x"\n' * 4096
        yield rows
        yield from pieces


def _without_end(pieces: Iterable[bytes], count: int) -> Iterator[bytes]:
    return _with_end(pieces, count, lambda _end: b"")


def _with_end(pieces: Iterable[bytes], count: int, change: Callable[[bytes], bytes]) -> Iterator[bytes]:
    """The pieces, with their last `count` bytes changed."""
    held = b""
    for piece in pieces:
        held += piece
        if len(held) > count:
            yield held[:-count]
            held = held[-count:]
    end = change(held)
    if end:
        yield end


def _first_lines(footer: bytes, count: int) -> bytes:
    """The two blank lines, `count` complete lines and half of the next one."""
    lines = footer[2:].splitlines(keepends=True)
    kept = lines[:count]
    half = lines[count][: len(lines[count]) // 2] if count < len(lines) else b""
    return footer[:2] + b"".join(kept) + half
