"""Converts a CSV in chunks of whole records, for formats that need not look at every cell, as long as that is exact.

Applies to Salesforce's dialect, in which every cell is quoted. Where a chunk ends depends on the data alone, not on how
the blocks are cut, so that equal data gives equal files.
"""

from __future__ import annotations

from itertools import chain

from sfr.body.header import labels_of
from sfr.formats.text_records import records_of, utf8_blocks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator
    from typing import TypeVar

    from sfr.formats.base import Layout

    T = TypeVar("T")

#: How far beyond the size of a chunk its last record may end.
MAX_RECORD_BYTES = 1024 * 1024
#: Places at which a chunk is ended on trial: a cell's text can look like the end of a record.
TRIALS = 4


def converted(
    blocks: Iterable[bytes], layout: Layout, chunk_bytes: int, convert: Callable[[bytes], tuple[int, T] | None]
) -> Generator[T, None, Iterator[list[str]]]:
    """Yield what `convert` makes of each chunk of UTF-8 text; return the records after the last one.

    convert: returns a number of records and their conversion, or None unless it is certain that the chunk, which starts
    with a record, consists of whole records with as many cells as the header. A chunk has `chunk_bytes` or more.

    The records returned are those that no chunk was certain for, as `text_records` yields them, with its errors; none,
    as a rule. Passes on what `blocks` raises.
    """
    texts = _Texts(utf8_blocks(blocks, layout.encoding))
    if not _skip_header(texts, layout):
        return records_of(texts.rest(), layout)
    records = 0
    while (found := _next_conversion(texts, layout.header.line_end, chunk_bytes, convert)) is not None:
        records += found[0]
        yield found[1]
    return records_of(texts.rest(), layout, len(labels_of(layout.header, layout.encoding)), records)


class _Texts:
    """Text that has come and is not converted yet."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.pending = b""
        self.is_ended = False
        #: True if invalid text follows what is pending.
        self.is_broken = False

    def require(self, size_bytes: int) -> None:
        """Read until `size_bytes` are pending, or there is no more text."""
        pending = [self.pending]
        missing_bytes = size_bytes - len(self.pending)
        while missing_bytes > 0 and not (self.is_ended or self.is_broken):
            try:
                block = next(self._blocks)
            except StopIteration:
                self.is_ended = True
            except UnicodeDecodeError as error:
                self._blocks, self.is_broken = _raising(error), True
            else:
                pending.append(block)
                missing_bytes -= len(block)
        self.pending = b"".join(pending)

    def rest(self) -> Iterator[bytes]:
        """The pending and all following text; raises UnicodeDecodeError where it becomes invalid."""
        return chain((self.pending,), self._blocks)


def _raising(error: Exception) -> Iterator[bytes]:
    yield from ()
    raise error


def _skip_header(texts: _Texts, layout: Layout) -> bool:
    """Skip the header; False if the dialect is another one, or the text does not start with the header."""
    header = layout.header
    if not header.is_all_quoted or header.line_end not in (b"\n", b"\r\n"):
        return False
    line = (header.record + header.line_end).decode(layout.encoding, errors="replace").encode()
    texts.require(len(line))
    if not texts.pending.startswith(line):
        return False
    texts.pending = texts.pending[len(line) :]
    return True


def _next_conversion(
    texts: _Texts, line_end: bytes, chunk_bytes: int, convert: Callable[[bytes], tuple[int, T] | None]
) -> tuple[int, T] | None:
    """The conversion of the next chunk, of all that is left if that is less; None if there is none."""
    tried = 0
    for _ in range(TRIALS):
        end = _end_of_chunk(texts, line_end, max(chunk_bytes, tried), chunk_bytes + MAX_RECORD_BYTES)
        if end is None or end == tried:
            return None
        if found := convert(texts.pending[:end]):
            texts.pending = texts.pending[end:]
            return found
        tried = end
    return None


def _end_of_chunk(texts: _Texts, line_end: bytes, start: int, limit: int) -> int | None:
    """The first place after `start` between what looks like two records, or the end of the text; None if too far."""
    between_records = b'"' + line_end + b'"'
    while True:
        place = texts.pending.find(between_records, start - 1, limit)
        if place >= 0:
            return place + len(between_records) - 1
        if len(texts.pending) >= limit or texts.is_broken:
            return None
        if texts.is_ended:
            return len(texts.pending)
        texts.require(max(start, len(texts.pending)) + 1)
