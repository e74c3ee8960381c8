"""Reads a CSV report file, compressed or not, as blocks or records. Bounded memory; the text is never trusted."""

from __future__ import annotations

import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sfr.body.header import BYTE_ORDER_MARK, MAX_HEADER_BYTES, Header, labels_of, read_header
from sfr.destinations.base import Attempt, ProvedFile, proved_blocks
from sfr.destinations.cell_limit import CELL_LIMIT
from sfr.errors import DeliveryError
from sfr.formats.text_records import BlockStream

#: Formats that hold the text of the CSV.
CSV_FORMATS = ("csv", "csv.gz", "csv.zst")


class NotPlainError(Exception):
    """The text is not in the plain dialect: every cell quoted, one kind of line end, no empty line."""


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A report file with its header."""

    file: ProvedFile
    header: Header
    labels: tuple[str, ...]

    @classmethod
    def open(cls, file: ProvedFile, attempt: Attempt) -> CsvFile:
        """Read the header. Raises `DeliveryError` if there is none."""
        head = b""
        blocks = _blocks(file, attempt)
        is_whole = False
        while (header := read_header(head, is_whole=is_whole)) is None and len(head) <= MAX_HEADER_BYTES:
            block = next(blocks, b"")
            head, is_whole = head + block, not block
        if header is None or not header.record:
            raise DeliveryError(f"The report file {file.path} has no header, so its columns have no names.")
        return cls(file, header, labels_of(header, file.item.encoding))

    def blocks(self, attempt: Attempt) -> Iterator[bytes]:
        """The text as bytes, without byte order mark."""
        return _blocks(self.file, attempt)

    def plain_blocks(self, attempt: Attempt) -> Iterator[bytes]:
        """The same. Raises `NotPlainError` before a block that databases may read differently than `csv` does."""
        check = _PlainCheck(self.header)
        for block in self.blocks(attempt):
            check.feed(block)
            yield block
        check.finish()

    def records(self, attempt: Attempt) -> Iterator[list[str]]:
        """The records after the header, without empty lines, each with as many cells as the header.

        Raises `DeliveryError` that names the row for one with more or fewer cells, or undecodable text.
        """
        with CELL_LIMIT.raised():
            yield from self._records(attempt)

    def _records(self, attempt: Attempt) -> Iterator[list[str]]:
        stream = io.BufferedReader(BlockStream(self.blocks(attempt)), 64 * 1024)
        text = io.TextIOWrapper(stream, self.file.item.encoding, newline="")
        number = 0
        try:
            records = filter(None, csv.reader(text, delimiter=self.header.delimiter.decode()))
            next(records, None)
            for number, record in enumerate(records, 1):
                if len(record) != len(self.labels):
                    raise DeliveryError(
                        f"Row {number:,} has {len(record)} cells, but the header has {len(self.labels)}."
                    )
                yield record
        except UnicodeDecodeError as error:
            raise DeliveryError(
                f"The text after row {number:,} is not valid {self.file.item.encoding}: {error.reason}."
            ) from None
        except csv.Error as error:
            raise DeliveryError(f"The text after row {number:,} is not valid CSV: {error}.") from None

    def refuse_bad_row(self, attempt: Attempt) -> None:
        """Raise `DeliveryError` that names the first row which no database takes; return if there is none."""
        for _ in self.records(attempt):
            pass


def nul_error(row: int) -> DeliveryError:
    """For a database that cannot store a NUL character."""
    return DeliveryError(f"Row {row:,} has a cell with a NUL character, which this database cannot store.")


def _blocks(file: ProvedFile, attempt: Attempt) -> Iterator[bytes]:
    blocks = _inflated(file, proved_blocks(file, attempt))
    first = next(blocks, b"")
    while len(first) < len(BYTE_ORDER_MARK) and (more := next(blocks, b"")):
        first += more
    if first := first.removeprefix(BYTE_ORDER_MARK):
        yield first
    yield from blocks


def _inflated(file: ProvedFile, blocks: Iterator[bytes]) -> Iterator[bytes]:
    if file.item.format == "csv.gz":
        inflate = zlib.decompressobj(wbits=31)
        for block in blocks:
            while block:
                if text := inflate.decompress(block, 1024 * 1024):
                    yield text
                block = inflate.unconsumed_tail
    elif file.item.format == "csv.zst":
        yield from _from_zstd(blocks)
    else:
        yield from blocks


def _from_zstd(blocks: Iterable[bytes]) -> Iterator[bytes]:
    from sfr.formats.zstd_csv import zstd_module

    decompressor = zstd_module().ZstdDecompressor()
    for block in blocks:
        text = decompressor.decompress(block, 1024 * 1024)
        while text or not (decompressor.needs_input or decompressor.eof):
            yield text
            text = b"" if decompressor.eof or decompressor.needs_input else decompressor.decompress(b"", 1024 * 1024)


class _PlainCheck:
    """Whether the blocks so far are in the plain dialect, in which COPY and `csv` read the same."""

    def __init__(self, header: Header) -> None:
        self._between = {b"", header.delimiter, header.line_end}
        self._is_all_quoted = header.is_all_quoted and header.line_end in (b"\n", b"\r\n")
        #: What is outside of quotes at the end of the last block, and whether that block ended inside of them.
        self._outside = b""
        self._is_inside = False
        self._last_bytes = b""

    def feed(self, block: bytes) -> None:
        """Check the next block. Raises `NotPlainError`."""
        joined = self._last_bytes + block
        # PostgreSQL takes `\\.` on a line of its own for the end, even inside of quotes; it refuses NUL characters.
        if not self._is_all_quoted or b"\0" in block or b"\n\\." in joined or b"\r\\." in joined:
            raise NotPlainError
        self._last_bytes = joined[-2:]
        parts = (b'"' + block if self._is_inside else self._outside + block).split(b'"')
        self._is_inside = len(parts) % 2 == 0
        outside = parts[::2]
        self._outside = b"" if self._is_inside else outside.pop()
        if not self._between.issuperset(outside) or len(self._outside) > len(b"\r\n"):
            raise NotPlainError

    def finish(self) -> None:
        """Check how the text ends."""
        if self._is_inside or self._outside not in self._between:
            raise NotPlainError
