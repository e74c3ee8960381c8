"""Reads a payload's body, inline or spooled, as blocks of decoded bytes, in constant memory.

Does not interpret the bytes; `inflate` proves that a gzip body is complete.
"""

from __future__ import annotations

from contextlib import closing

from sfr.body.inflate import inflated
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.processing.other_answers import not_gzip_error
from sfr.storage.trusted import open_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from sfr.model import Payload

#: Block size for reading a plain spool file.
PLAIN_BLOCK_BYTES = 128 * 1024
#: The same for a compressed one, smaller: zlib copies its unconsumed input at every step.
GZIP_BLOCK_BYTES = 64 * 1024
#: Without `fetch.max_report_bytes`: the maximum of decoded bytes per byte received; no report exceeds it. Measured at
#: gzip's best level: a random id beside 119 empty cells 109, 120 empty cells and nothing else 289, an id beside
#: 499 cells of `0.00` 379, one column of one word 481; a bomb 1,027. Bodies up to the floor are not checked.
MAX_GROWTH = 400
GROWTH_FLOOR_BYTES = 256 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"


def decoded_blocks(payload: Payload, *, max_report_bytes: int | None) -> Generator[bytes, None, None]:
    """Yield the body's decoded bytes; the caller closes the iterator.

    Raises OSError of the spool file, and ReportError: `truncated` for an incomplete gzip body, `guard` above
    `max_report_bytes` or, without that limit, above any report's compression ratio, `not_csv` for a content encoding
    that SFR did not request, or that does not match the body.
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
                if not is_plain and size_bytes > MAX_GROWTH * counted.size_bytes:
                    raise _ratio_exceeded(counted.size_bytes, size_bytes)
            yield block


def _decompressed(encoded: _Counted, content_encoding: str) -> Iterator[bytes]:
    if content_encoding == "gzip":
        return inflated(_gzip_blocks(encoded))
    raise ReportError(
        ErrorKind.NOT_CSV,
        f"The answer is encoded as {content_encoding[:40]!r}, but SFR accepts only gzip or no encoding.",
        remedy=ODD_ANSWER_REMEDY,
    )


def _gzip_blocks(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The blocks unchanged; raises ReportError if they do not start with the gzip signature."""
    is_first = True
    for block in blocks:
        if is_first and not GZIP_MAGIC.startswith(block[:2]):
            raise not_gzip_error(block)
        is_first = False
        yield block


class _Counted:
    """Passes blocks through and counts their bytes."""

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
        remedy="Narrow the report's filters, or raise the limit if the size is expected.",
    )


def _ratio_exceeded(received_bytes: int, decoded_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.GUARD,
        f"{received_bytes:,} bytes of the gzip body inflated to more than {decoded_bytes - 1:,}, a ratio above"
        f" {MAX_GROWTH} to 1, which no report has.",
        remedy="If the report is genuine, set `fetch.max_report_bytes` above its size, which replaces this limit.",
    )


def _encoded_blocks(payload: Payload, block_bytes: int) -> Generator[bytes, None, None]:
    if payload.spool_path is None:
        body = memoryview(payload.body or b"")
        for start in range(0, len(body), block_bytes):
            yield bytes(body[start : start + block_bytes])
        return
    with open(open_own(payload.spool_path), "rb", buffering=0) as spool:
        while block := spool.read(block_bytes):
            yield block
