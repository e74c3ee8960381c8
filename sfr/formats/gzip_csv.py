"""Writes `csv.gz`: the CSV as gzip members without time or name, so that equal data gives equal files.

Each MiB of the CSV is a member of its own, wherever the blocks are cut: libdeflate compresses only what is in memory.
To programs that read gzip, members that follow each other are one file.
"""

from __future__ import annotations

import functools

from sfr.body.inflate import GZIP_WBITS
from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MEMBER_BYTES = 1024 * 1024
#: A faster level is taken if it makes the first member at most so much larger than the best one does.
MAX_GROWTH = 1.1
#: With libdeflate: on dense short cells the first is twice as fast and 6 % larger, on long repetitive rows 14 % larger.
LEVELS = (1, 3)
#: With zlib: a third of the time of level 6, and 11 to 18 % larger.
ZLIB_LEVELS = (4,)


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Compress the blocks."""
    compress, levels = _library()
    level = None
    for data in _members(blocks):
        if level is None:
            tried = {level: compress(data, level) for level in levels}
            level = _fastest_good_level(tried)
            sink.write(tried[level])
        else:
            sink.write(compress(data, level))


def _members(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The data in pieces of `MEMBER_BYTES`, the last one smaller."""
    gathered: list[bytes] = []
    missing_bytes = MEMBER_BYTES
    for block in blocks:
        rest = block
        while len(rest) >= missing_bytes:
            yield b"".join((*gathered, rest[:missing_bytes]))
            rest = rest[missing_bytes:]
            gathered, missing_bytes = [], MEMBER_BYTES
        gathered.append(rest)
        missing_bytes -= len(rest)
    if missing_bytes < MEMBER_BYTES:
        yield b"".join(gathered)


def _fastest_good_level(tried: dict[int, bytes]) -> int:
    """The first level whose member is not much larger than the smallest one."""
    limit_bytes = MAX_GROWTH * min(map(len, tried.values()))
    return next(level for level, member in tried.items() if len(member) <= limit_bytes)


@functools.cache
def _library() -> tuple[Callable[[bytes, int], bytes], tuple[int, ...]]:
    """Makes a member at a level, and the levels to choose from: by libdeflate where it is installed, else by zlib."""
    from importlib import import_module

    try:
        deflate = import_module("deflate")
    except ImportError:
        zlib = import_module("zlib")
        return functools.partial(zlib.compress, wbits=GZIP_WBITS), ZLIB_LEVELS
    return lambda data, level: bytes(deflate.gzip_compress(data, level)), LEVELS


CSV_GZ = Format("csv.gz", write, is_csv=True)
