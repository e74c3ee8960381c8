"""Inflates gzip bodies and proves that they are whole: every member ended, every checksum right, nothing after it.

Works in steps of bounded output, so that a small body that inflates to gigabytes never fills the memory. Does not
read files and does not look at what the bytes mean.
"""

from __future__ import annotations

import functools

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: Most bytes that one step of inflation gives. Four times as many cost a fifth more CPU time, since they leave the
#: processor's cache before they are hashed, counted and written.
LARGEST_STEP_BYTES = 96 * 1024
#: `wbits` of zlib for a gzip wrapper with a window of 32 KiB.
GZIP_WINDOW = 31


def inflated(chunks: Iterable[bytes], *, step_bytes: int = LARGEST_STEP_BYTES) -> Iterator[bytes]:
    """Yield what the gzip members in `chunks` hold, in blocks of at most `step_bytes`; nothing for an empty body.

    Raises ReportError `truncated` if a member lacks its end or its checksum, does not match it, or is followed by
    anything but another member.
    """
    zlib = _inflation_library()
    member = None
    offset = 0
    for chunk in chunks:
        compressed = chunk
        while compressed:
            if member is None:
                member = zlib.decompressobj(GZIP_WINDOW)
            try:
                block = member.decompress(compressed, step_bytes)
            except zlib.error as error:
                raise _corrupt(offset, str(error)) from None
            if block:
                yield block
            if member.eof:
                compressed, member = member.unused_data, None
            else:
                # What the window still holds when all input is taken comes with the next chunk: a member's end is not
                # read before all of its output is out.
                compressed = member.unconsumed_tail
        offset += len(chunk)
    if member is not None:
        raise ReportError(
            ErrorKind.TRUNCATED,
            f"The gzip body ends after {offset:,} bytes without its end mark and checksum: the answer was cut.",
        )


def _corrupt(offset: int, reason: str) -> ReportError:
    return ReportError(
        ErrorKind.TRUNCATED,
        f"The gzip body is corrupt near byte {offset:,} ({reason}): damaged on the way, or followed by other bytes.",
        remedy=ODD_ANSWER_REMEDY,
    )


@functools.cache
def _inflation_library() -> Any:
    """`isal` where it is installed (about twice as fast), else zlib; both have the same interface."""
    from importlib import import_module

    try:
        return import_module("isal.isal_zlib")
    except ImportError:
        return import_module("zlib")
