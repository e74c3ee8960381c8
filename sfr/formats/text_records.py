"""Reads data blocks as records of text, for formats that hold values instead of the CSV's bytes."""

from __future__ import annotations

import io

from sfr.body.header import BYTE_ORDER_MARK
from sfr.errors import ErrorKind, ReportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sfr.formats.base import Layout

#: Maximum length of a cell; Salesforce's longest text field holds 131,072.
MAX_CELL_CHARS = 16 * 1024 * 1024
#: A block with invalid text is decoded in pieces of this size, so that the records before it are read.
PIECE_BYTES = 8192


def text_records(blocks: Iterable[bytes], layout: Layout) -> Iterator[list[str]]:
    """Yield the records after the header, without empty lines, each with as many cells as the header.

    Raises ReportError `not_csv` for text that is not in the export's encoding, a record with more or fewer cells than
    the header, or a cell of more than `MAX_CELL_CHARS` characters; and whatever `blocks` raises.
    """
    return records_of(utf8_blocks(blocks, layout.encoding), layout)


def utf8_blocks(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The blocks as UTF-8, without a byte order mark at the start; characters cut by the end of a block are kept whole.

    Raises UnicodeDecodeError at invalid text, after the pieces before it.
    """
    import codecs

    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    is_start = True
    for block in blocks:
        if is_start and block == BYTE_ORDER_MARK:
            continue
        is_start = is_start and not block
        before = decoder.getstate()
        try:
            text = decoder.decode(block)
        except UnicodeDecodeError:
            decoder.setstate(before)
            for start in range(0, len(block), PIECE_BYTES):
                yield decoder.decode(block[start : start + PIECE_BYTES]).encode()
        else:
            # Without encoding what has just been decoded: all but the start of a character that is cut.
            cut_bytes = len(decoder.getstate()[0])
            yield (before[0] + block)[: -cut_bytes or None] if is_utf8 else text.encode()
    yield decoder.decode(b"", final=True).encode()


def records_of(
    blocks: Iterable[bytes], layout: Layout, columns: int | None = None, number: int = 0
) -> Iterator[list[str]]:
    """`text_records` of blocks that are UTF-8.

    columns, number: if the blocks start later than with the header: its cells, and the records between.
    """
    import csv

    former_limit = csv.field_size_limit(MAX_CELL_CHARS)
    text = io.TextIOWrapper(io.BufferedReader(BlockStream(blocks), 64 * 1024), "utf-8", newline="")
    records = filter(None, csv.reader(text, delimiter=layout.header.delimiter.decode()))
    try:
        if columns is None:
            columns = len(next(records, []))
        for number, record in enumerate(records, number + 1):  # noqa: B020 - it is needed after an error
            if len(record) != columns:
                raise ReportError(
                    ErrorKind.NOT_CSV,
                    f"Record {number:,} has {len(record)} cells, but the header has {columns}.",
                    remedy="Save the report as `csv`, which keeps it unchanged, and check that record.",
                )
            yield record
    except UnicodeDecodeError as error:
        raise ReportError(
            ErrorKind.NOT_CSV,
            f"The text after record {number:,} is not valid {layout.encoding}: {error.reason}.",
            remedy="Set `enc=UTF-8` in `optional_export_params`, or save the report as `csv`.",
        ) from None
    except csv.Error as error:
        raise ReportError(
            ErrorKind.NOT_CSV,
            f"The text after record {number:,} is not valid CSV: {error}.",
            remedy="Save the report as `csv`, which keeps it unchanged, and check that place.",
        ) from None
    finally:
        # The limit is global to the process: restore it for other readers.
        csv.field_size_limit(former_limit)


class BlockStream(io.RawIOBase):
    """Reads blocks as a stream."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = iter(blocks)
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # RawIOBase has it untyped
        """Fill the buffer from the next block."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
