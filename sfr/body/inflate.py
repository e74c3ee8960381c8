"""Inflates gzip bodies and proves that they are complete: every member ends, every checksum matches, nothing follows.

The output of each step is bounded, so that a small body that inflates to gigabytes does not exhaust memory. Does not
read files or interpret the bytes.
"""

from __future__ import annotations

import functools

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any

#: Maximum output of one step. Four times as much costs a fifth more CPU time, since the bytes leave the processor's
#: cache before they are hashed, counted and written.
MAX_STEP_BYTES = 96 * 1024
#: `wbits` of zlib for a gzip stream with a window of 32 KiB.
GZIP_WBITS = 31


def inflated(chunks: Iterable[bytes], *, step_bytes: int = MAX_STEP_BYTES) -> Iterator[bytes]:
    """Yield the content of the gzip members in `chunks`, in blocks of at most `step_bytes`; nothing for an empty body.

    Raises ReportError `truncated` if a member has no end or a wrong checksum, or is followed by anything but another
    member.
    """
    new_member, library_error = _library()
    member = None
    offset = 0
    for chunk in chunks:
        compressed = chunk
        while compressed or (member is not None and not member.needs_input):
            if member is None:
                member = new_member()
            try:
                block = member.decompress(compressed, step_bytes)
            except library_error as error:
                raise _corrupt(offset, str(error)) from None
            if block:
                yield block
            compressed = b""
            if member.eof:
                compressed, member = member.unused_data, None
        offset += len(chunk)
    if member is not None:
        raise ReportError(
            ErrorKind.TRUNCATED,
            f"The gzip body ends after {offset:,} bytes without its end mark and checksum: the answer was cut.",
        )


def inflated_start(body: bytes, limit_bytes: int) -> bytes:
    """The first bytes of a gzip body, as many as it gives up to the limit; empty if it is not gzip."""
    import zlib

    try:
        return zlib.decompressobj(GZIP_WBITS).decompress(body, limit_bytes)
    except zlib.error:
        return b""


def _corrupt(offset: int, reason: str) -> ReportError:
    return ReportError(
        ErrorKind.TRUNCATED,
        f"The gzip body is corrupt near byte {offset:,} ({reason}): damaged in transit, or followed by other data.",
        remedy=ODD_ANSWER_REMEDY,
    )


class _ZlibMember:
    """zlib's decompressor with the interface of isal's, which keeps the input that it has not used yet."""

    def __init__(self) -> None:
        import zlib

        self._member = zlib.decompressobj(GZIP_WBITS)

    @property
    def eof(self) -> bool:
        return self._member.eof

    @property
    def unused_data(self) -> bytes:
        return self._member.unused_data

    @property
    def needs_input(self) -> bool:
        return not self._member.unconsumed_tail

    def decompress(self, compressed: bytes, max_length: int) -> bytes:
        return self._member.decompress(self._member.unconsumed_tail + compressed, max_length)


@functools.cache
def _library() -> tuple[Callable[[], Any], type[Exception]]:
    """What makes a decompressor of one gzip member, and its error: isal, or zlib where that has no wheel."""
    from importlib import import_module

    try:
        isal = import_module("isal.igzip_lib")
    except ImportError:
        import zlib

        return _ZlibMember, zlib.error
    return functools.partial(isal.IgzipDecompressor, flag=isal.DECOMP_GZIP), isal.IsalError
