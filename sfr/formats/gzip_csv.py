"""Writes `csv.gz`: the CSV as one gzip member without time or name, so that equal data gives equal files."""

from __future__ import annotations

from sfr.body.inflate import GZIP_WBITS
from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

COMPRESSION_LEVEL = 6


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Compress the blocks."""
    import zlib

    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_WBITS)
    for block in blocks:
        if compressed := compressor.compress(block):
            sink.write(compressed)
    sink.write(compressor.flush())


CSV_GZ = Format("csv.gz", write, is_csv=True)
