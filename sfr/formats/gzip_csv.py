"""`csv.gz`: the CSV in one gzip member, without a time or name in it, so that the same data gives the same file."""

from __future__ import annotations

from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

COMPRESSION_LEVEL = 6
#: `wbits` of zlib for a gzip wrapper, whose time it leaves at zero.
GZIP_WINDOW = 31


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Compress the blocks."""
    import zlib

    compressor = zlib.compressobj(COMPRESSION_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    for block in blocks:
        if compressed := compressor.compress(block):
            sink.write(compressed)
    sink.write(compressor.flush())


CSV_GZ = Format("csv.gz", write, is_csv=True)
