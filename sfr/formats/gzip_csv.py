"""Writes `csv.gz`: the CSV as one gzip member without time or name, so that equal data gives equal files.

One member only, since there are programs that take the first of several for the whole file.
"""

from __future__ import annotations

import functools

from sfr.body.inflate import GZIP_WBITS
from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

#: Two to five times as fast as level 6, and 11 to 22 % larger.
ZLIB_NG_LEVEL = 3
ZLIB_LEVEL = 4


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Compress the blocks."""
    compressor = _library()()
    for block in blocks:
        if compressed := compressor.compress(block):
            sink.write(compressed)
    sink.write(compressor.flush())


@functools.cache
def _library() -> Callable[[], Any]:
    """What makes a compressor: zlib-ng, or zlib where that has no wheel."""
    from importlib import import_module

    try:
        library, level = import_module("zlib_ng.zlib_ng"), ZLIB_NG_LEVEL
    except ImportError:
        library, level = import_module("zlib"), ZLIB_LEVEL
    return functools.partial(library.compressobj, level, library.DEFLATED, GZIP_WBITS)


CSV_GZ = Format("csv.gz", write, is_csv=True)
