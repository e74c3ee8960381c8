"""Reads data blocks as Arrow tables of text, by pyarrow's CSV reader as long as its reading is proved exact."""

from __future__ import annotations

from importlib import import_module
from itertools import islice

from sfr.body.records import RecordCounter
from sfr.formats.record_chunks import converted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from sfr.formats.base import Layout

#: Size of the CSV text that is read in one step; each step has a cost per column.
CHUNK_BYTES = 1024 * 1024
#: Size of the pieces in which records are counted, which should stay in the processor's cache.
COUNTED_BYTES = 128 * 1024
#: Records per table, of records read one by one.
BATCH_RECORDS = 1024


def csv_tables(blocks: Iterable[bytes], layout: Layout, schema: Any) -> Iterator[Any]:
    """Yield tables of the records after the header; the schema has a column of text for each cell.

    Raises what `text_records` raises.
    """
    pa = import_module("pyarrow")

    records = yield from converted(blocks, layout, CHUNK_BYTES, _ChunkReader(layout, schema).read)
    while batch := list(islice(records, BATCH_RECORDS)):
        columns = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
        yield pa.table(columns, schema=schema)


class _ChunkReader:
    """Reads whole records.

    pyarrow goes through the same states as `csv.reader`, wherever quotes are. To be sure, the records are also counted
    as `csv.reader` counts them. A chunk that ends inside a cell has its last line end in that cell.
    """

    def __init__(self, layout: Layout, schema: Any) -> None:
        self._pa, self._csv = import_module("pyarrow"), import_module("pyarrow.csv")
        self._delimiter = layout.header.delimiter
        self._labels = schema.names
        self._dialect = self._csv.ParseOptions(delimiter=self._delimiter.decode(), newlines_in_values=True)
        # Without further options a cell like `NA` or `null` is text, too. The text is known to be UTF-8.
        self._cells = self._csv.ConvertOptions(column_types=schema, check_utf8=False)

    def read(self, chunk: bytes) -> tuple[int, Any] | None:
        """The number of records and their table; None unless the chunk consists of whole records of this width."""
        options = self._csv.ReadOptions(use_threads=False, block_size=len(chunk), column_names=self._labels)
        try:
            table = self._csv.read_csv(self._pa.BufferReader(chunk), options, self._dialect, self._cells)
        except self._pa.ArrowInvalid:
            return None
        if not table.num_rows or table.column(-1)[-1].as_py().endswith("\n") or table.num_rows != self._count(chunk):
            return None
        return table.num_rows, table

    def _count(self, chunk: bytes) -> int:
        counter = RecordCounter(self._delimiter, is_all_quoted=True)
        for start in range(0, len(chunk), COUNTED_BYTES):
            counter.feed(chunk[start : start + COUNTED_BYTES])
        return counter.records
