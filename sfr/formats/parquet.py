"""`parquet`: row groups written one after the other, by pyarrow (the extra `sfr[parquet]`).

Columns are text, unless `types: infer` asks for more: then they are written as text to a scratch file first, every
column's cells are tried as the types below, and those that all fit are converted group by group.
"""

from __future__ import annotations

import io
from importlib import import_module
from itertools import islice

from sfr.content.header import labels_of, unique_labels
from sfr.files.atomic import remove_quietly
from sfr.files.trusted import make
from sfr.formats.base import Format, Layout, Sink
from sfr.formats.text_records import text_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: Records turned into columns at a time.
BATCH_RECORDS = 1024
#: Text in a row group, about.
ROW_GROUP_BYTES = 16 * 1024 * 1024

#: What a column's cells must look like, empty ones apart, to be of a type, the first that fits. Numbers with leading
#: zeros (postal codes) or more digits than the type holds stay text.
_TYPE_PATTERNS = (
    ("int64", r"^(0|-?[1-9][0-9]{0,17})$"),
    ("double", r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$"),
    ("bool", r"^(true|false)$"),
    ("date32", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:?[0-9]{2})$"),
)


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:
    """Write the records, as text or as what they look like."""
    pa = import_module("pyarrow")

    labels = unique_labels(labels_of(layout.header, layout.encoding))
    schema = pa.schema([(label, pa.string()) for label in labels])
    tables = _tables(text_records(blocks, layout), schema)
    stream = _SinkStream(sink)
    if layout.types != "infer":
        _write_tables(tables, stream, schema)
        return
    _write_inferred(tables, stream, schema, layout.scratch_start)


def missing_extra() -> str | None:
    """What to install, if pyarrow is missing."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        return "The format `parquet` needs the package pyarrow: pip install 'sfr[parquet]'."
    return None


def _tables(records: Iterator[list[str]], schema: Any) -> Iterator[Any]:
    """Text tables of about `ROW_GROUP_BYTES` each."""
    pa = import_module("pyarrow")

    batches: list[Any] = []
    gathered = 0
    while batch := list(islice(records, BATCH_RECORDS)):
        columns = [pa.array(column, pa.string()) for column in zip(*batch, strict=True)]
        batches.append(pa.RecordBatch.from_arrays(columns, schema=schema))
        gathered += batches[-1].nbytes
        if gathered >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(batches, schema)
            batches, gathered = [], 0
    if batches:
        yield pa.Table.from_batches(batches, schema)


def _write_tables(tables: Iterable[Any], where: Any, schema: Any) -> None:
    pq = import_module("pyarrow.parquet")

    with pq.ParquetWriter(where, schema) as writer:
        for table in tables:
            writer.write_table(table, row_group_size=max(table.num_rows, 1))


def _write_inferred(tables: Iterable[Any], stream: Any, schema: Any, scratch_start: str) -> None:
    pq = import_module("pyarrow.parquet")

    columns = [_ColumnType() for _ in schema]

    def observed() -> Iterator[Any]:
        for table in tables:
            for column, cells in zip(columns, table.columns, strict=True):
                column.observe(cells)
            yield table

    descriptor, scratch_path = make(scratch_start)
    try:
        with open(descriptor, "w+b") as file:
            _write_tables(observed(), file, schema)
            typed = _typed_schema(schema, columns)
            with pq.ParquetFile(file) as scratch:
                groups = (scratch.read_row_group(number, use_threads=False) for number in range(scratch.num_row_groups))
                _write_tables((_converted(group, typed) for group in groups), stream, typed)
    finally:
        remove_quietly(scratch_path)


class _ColumnType:
    """Which types all cells of a column, empty ones apart, have fitted so far."""

    def __init__(self) -> None:
        self._fitting = dict(_TYPE_PATTERNS)
        self._has_values = False

    def observe(self, cells: Any) -> None:
        pc = import_module("pyarrow.compute")

        values = cells.filter(pc.not_equal(cells, ""))
        if not len(values):
            return
        self._has_values = True
        for name, pattern in list(self._fitting.items()):
            if not (pc.all(pc.match_substring_regex(values, pattern)).as_py() and _can_cast(values, name)):
                del self._fitting[name]

    @property
    def arrow_type(self) -> Any:
        """The first type that fits; text for a column without any value."""
        pa = import_module("pyarrow")

        return _arrow_type(next(iter(self._fitting))) if self._has_values and self._fitting else pa.string()


def _arrow_type(name: str) -> Any:
    pa = import_module("pyarrow")

    types = {"int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "date32": pa.date32()}
    return types.get(name, pa.timestamp("ms", "UTC"))


def _can_cast(values: Any, name: str) -> bool:
    """False for what only looks right, such as the 30th of February."""
    pa = import_module("pyarrow")

    try:
        values.cast(_arrow_type(name))
    except pa.ArrowInvalid:
        return False
    return True


def _typed_schema(schema: Any, columns: list[_ColumnType]) -> Any:
    pa = import_module("pyarrow")

    return pa.schema([(field.name, column.arrow_type) for field, column in zip(schema, columns, strict=True)])


def _converted(table: Any, typed: Any) -> Any:
    """The table with its columns in their types; an empty cell of a typed column becomes null."""
    pa = import_module("pyarrow")
    pc = import_module("pyarrow.compute")

    arrays = []
    for cells, field in zip(table.columns, typed, strict=True):
        if field.type == pa.string():
            arrays.append(cells)
        else:
            arrays.append(pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells).cast(field.type))
    return pa.table(arrays, schema=typed)


class _SinkStream(io.RawIOBase):
    """A sink as the file object that pyarrow wants."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._position = 0

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self._sink.write(bytes(block))
        self._position += len(block)
        return len(block)

    def tell(self) -> int:
        return self._position


PARQUET = Format("parquet", write, missing_extra)
