"""Reads a payload's body, inline or spooled, as blocks of decoded bytes, in constant memory.

Does not judge what the bytes mean; `inflate` proves that a gzip body is whole.
"""

from __future__ import annotations

from contextlib import closing

from sfr.content.inflate import inflated
from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.files.trusted import open_found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from sfr.model import Payload

#: Read from a plain spool file at a time.
PLAIN_BLOCK_BYTES = 128 * 1024
#: The same for a compressed one: zlib copies what it has not used yet at every step, so it gets little at a time.
GZIP_BLOCK_BYTES = 64 * 1024


def decoded_blocks(payload: Payload, *, max_report_bytes: int | None) -> Generator[bytes, None, None]:
    """Yield the body's decoded bytes; the caller closes the iterator.

    Raises OSError of the spool file, and ReportError: `truncated` for a gzip body that is not whole, `guard` once
    more than `max_report_bytes` came out, `not_csv` for a content encoding that SFR does not ask for.
    """
    size_bytes = 0
    is_plain = payload.content_encoding == "identity"
    with closing(_encoded_blocks(payload, PLAIN_BLOCK_BYTES if is_plain else GZIP_BLOCK_BYTES)) as encoded:
        blocks: Iterator[bytes]
        if is_plain:
            blocks = encoded
        elif payload.content_encoding == "gzip":
            blocks = inflated(encoded)
        else:
            raise ReportError(
                ErrorKind.NOT_CSV,
                f"The answer is encoded as {payload.content_encoding[:40]!r}, where SFR asks for gzip or nothing.",
                remedy=ODD_ANSWER_REMEDY,
            )
        for block in blocks:
            size_bytes += len(block)
            if max_report_bytes is not None and size_bytes > max_report_bytes:
                raise ReportError(
                    ErrorKind.GUARD,
                    f"The report is larger than `fetch.max_report_bytes` ({max_report_bytes:,} bytes, decoded).",
                    remedy="Narrow the report's filters, or raise the limit if the report is right.",
                )
            yield block


def _encoded_blocks(payload: Payload, block_bytes: int) -> Generator[bytes, None, None]:
    if payload.spool_path is None:
        body = memoryview(payload.body or b"")
        for start in range(0, len(body), block_bytes):
            yield bytes(body[start : start + block_bytes])
        return
    with open(open_found(payload.spool_path), "rb", buffering=0) as spool:
        while block := spool.read(block_bytes):
            yield block
