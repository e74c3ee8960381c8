"""Writes `csv.zst`: the CSV as one Zstandard frame with a checksum; needs Python 3.14 or the extra `sfr[zstd]`."""

from __future__ import annotations

from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

COMPRESSION_LEVEL = 3


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Compress the blocks."""
    zstd = zstd_module()
    parameter = zstd.CompressionParameter
    options = {parameter.compression_level: COMPRESSION_LEVEL, parameter.checksum_flag: 1}
    compressor = zstd.ZstdCompressor(options=options)
    for block in blocks:
        if compressed := compressor.compress(block):
            sink.write(compressed)
    sink.write(compressor.flush())


def missing_extra() -> str | None:
    """What to install, if Python has no Zstandard."""
    try:
        zstd_module()
    except ImportError:
        from sfr.wording import how_to_install

        return f"The format `csv.zst` needs Python 3.14 or the package backports.zstd: {how_to_install('zstd')}"
    return None


def zstd_module() -> Any:
    """Python's own module, or the backport. Raises ImportError."""
    from importlib import import_module

    try:
        return import_module("compression.zstd")
    except ImportError:
        return import_module("backports.zstd")


CSV_ZST = Format("csv.zst", write, missing_extra, is_csv=True)
