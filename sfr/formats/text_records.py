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


def text_records(blocks: Iterable[bytes], layout: Layout) -> Iterator[list[str]]:
    """Yield the records after the header, without empty lines, each with as many cells as the header.

    Raises ReportError `not_csv` for text that is not in the export's encoding, a record with more or fewer cells than
    the header, or a cell of more than `LONGEST_CELL` characters; and whatever `blocks` raises.
    """
    import csv

    former_limit = csv.field_size_limit(MAX_CELL_CHARS)
    text = io.TextIOWrapper(io.BufferedReader(BlockStream(blocks), 64 * 1024), layout.encoding, newline="")
    records = filter(None, csv.reader(text, delimiter=layout.header.delimiter.decode()))
    number = 0
    try:
        columns = len(next(records, []))
        for number, record in enumerate(records, 1):
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
    """Reads blocks as a stream, skipping a byte order mark at the start."""

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
            self._rest = memoryview(b"" if block == BYTE_ORDER_MARK else block)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
