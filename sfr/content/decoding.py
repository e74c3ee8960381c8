"""Reads a payload's body, inline or spooled, as blocks of decoded bytes, in constant memory.

Does not judge what the bytes mean; `inflate` proves that a gzip body is whole.
"""

from __future__ import annotations

from contextlib import closing

from sfr.content.inflate import inflated
from sfr.content.other_answers import not_gzip_error
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.files.trusted import open_found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from sfr.model import Payload

#: Read from a plain spool file at a time.
PLAIN_BLOCK_BYTES = 128 * 1024
#: The same for a compressed one: zlib copies what it has not used yet at every step, so it gets little at a time.
GZIP_BLOCK_BYTES = 64 * 1024
#: Without `fetch.max_report_bytes`: decoded bytes for each byte received, beyond which a body is no report. Measured
#: with gzip's best level: a random id beside 119 empty cells 109, 120 empty cells and nothing else 289, an id beside
#: 499 cells of `0.00` 379, one column of one word 481; a bomb 1,027. Below the floor any body may grow.
LARGEST_GROWTH = 400
GROWTH_FLOOR_BYTES = 256 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"


def decoded_blocks(payload: Payload, *, max_report_bytes: int | None) -> Generator[bytes, None, None]:
    """Yield the body's decoded bytes; the caller closes the iterator.

    Raises OSError of the spool file, and ReportError: `truncated` for a gzip body that is not whole, `guard` once
    more than `max_report_bytes` came out, or, without that limit, far more than from any report's body, `not_csv` for
    a content encoding that SFR does not ask for, or one that the body does not have.
    """
    size_bytes = 0
    is_plain = payload.content_encoding == "identity"
    with closing(_encoded_blocks(payload, PLAIN_BLOCK_BYTES if is_plain else GZIP_BLOCK_BYTES)) as encoded:
        counted = _Counted(encoded)
        limit_bytes = GROWTH_FLOOR_BYTES if max_report_bytes is None else max_report_bytes
        for block in encoded if is_plain else _decompressed(counted, payload.content_encoding):
            size_bytes += len(block)
            if size_bytes > limit_bytes:
                if max_report_bytes is not None:
                    raise _too_large(max_report_bytes)
                if not is_plain and size_bytes > LARGEST_GROWTH * counted.size_bytes:
                    raise _grown(counted.size_bytes, size_bytes)
            yield block


def _decompressed(encoded: _Counted, content_encoding: str) -> Iterator[bytes]:
    if content_encoding == "gzip":
        return inflated(_gzip_blocks(encoded))
    raise ReportError(
        ErrorKind.NOT_CSV,
        f"The answer is encoded as {content_encoding[:40]!r}, where SFR asks for gzip or nothing.",
        remedy=ODD_ANSWER_REMEDY,
    )


def _gzip_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks as they are; refused if they do not begin as gzip does."""
    is_first = True
    for block in blocks:
        if is_first and not GZIP_MAGIC.startswith(block[:2]):
            raise not_gzip_error(block)
        is_first = False
        yield block


class _Counted:
    """Passes blocks on and counts their bytes."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self.size_bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.size_bytes += len(block)
            yield block


def _too_large(max_report_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.GUARD,
        f"The report is larger than `fetch.max_report_bytes` ({max_report_bytes:,} bytes, decoded).",
        remedy="Narrow the report's filters, or raise the limit if the report is right.",
    )


def _grown(received_bytes: int, decoded_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.GUARD,
        f"{received_bytes:,} bytes of the gzip body became more than {decoded_bytes - 1:,}, a growth beyond"
        f" {LARGEST_GROWTH} to 1, which no report has.",
        remedy="If the report is right, set `fetch.max_report_bytes` above its size; that replaces this limit.",
    )


def _encoded_blocks(payload: Payload, block_bytes: int) -> Generator[bytes, None, None]:
    if payload.spool_path is None:
        body = memoryview(payload.body or b"")
        for start in range(0, len(body), block_bytes):
            yield bytes(body[start : start + block_bytes])
        return
    with open(open_found(payload.spool_path), "rb", buffering=0) as spool:
        while block := spool.read(block_bytes):
            yield block
