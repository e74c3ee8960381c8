"""Writes `parquet`: row groups one after the other, by pyarrow (the extra `sfr[parquet]`).

Columns are text, unless `types: infer` is set: then they are first written as text to a scratch file while the cells of
each column are matched against the types below; columns that match are then converted group by group.
"""

from __future__ import annotations

import io
from importlib import import_module

from sfr.body.header import labels_of, unique_labels
from sfr.formats.base import Format, Layout, Sink
from sfr.formats.csv_tables import csv_tables
from sfr.storage.atomic import remove_quietly
from sfr.storage.trusted import create_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: Approximate size of the text in a row group.
ROW_GROUP_BYTES = 16 * 1024 * 1024

#: Patterns that all non-empty cells of a column must match to be of a type; the first match counts. Numbers with
#: leading zeros (postal codes) or too many digits for the type stay text.
_TYPE_PATTERNS = (
    ("int64", r"^(0|-?[1-9][0-9]{0,17})$"),
    ("double", r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]+)?$"),
    ("bool", r"^(true|false)$"),
    ("date32", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?(Z|[+-][0-9]{2}:?[0-9]{2})$"),
)


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:
    """Write the records, as text or with inferred types."""
    pa = import_module("pyarrow")

    labels = unique_labels(labels_of(layout.header, layout.encoding))
    schema = pa.schema([(label, pa.string()) for label in labels])
    tables = _row_groups(csv_tables(blocks, layout, schema), schema)
    stream = _SinkStream(sink)
    if layout.types != "infer":
        _write_tables(tables, stream, schema)
        return
    _write_inferred(tables, stream, schema, layout.scratch_start)


def missing_extra() -> str | None:
    """What to install, if pyarrow is missing."""
    from importlib.util import find_spec

    if find_spec("pyarrow") is None:
        from sfr.wording import how_to_install

        return f"The format `parquet` needs the package pyarrow: {how_to_install('parquet')}"
    return None


def _row_groups(tables: Iterable[Any], schema: Any) -> Iterator[Any]:
    """The tables joined to tables of about `ROW_GROUP_BYTES` each."""
    pa = import_module("pyarrow")

    batches: list[Any] = []
    gathered = 0
    for table in tables:
        batches += table.to_batches()
        gathered += table.nbytes
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

    descriptor, scratch_path = create_private(scratch_start)
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
    """The types that all non-empty cells of a column have matched so far."""

    def __init__(self) -> None:
        self._candidates = dict(_TYPE_PATTERNS)
        self._has_values = False

    def observe(self, cells: Any) -> None:
        if not self._candidates:
            return
        pc = import_module("pyarrow.compute")

        values = cells.filter(pc.not_equal(cells, ""))
        if not len(values):
            return
        self._has_values = True
        for name, pattern in list(self._candidates.items()):
            if not (pc.all(pc.match_substring_regex(values, pattern)).as_py() and _can_cast(values, name)):
                del self._candidates[name]

    @property
    def arrow_type(self) -> Any:
        """The first matching type; text for a column without values."""
        pa = import_module("pyarrow")

        return _arrow_type(next(iter(self._candidates))) if self._has_values and self._candidates else pa.string()


def _arrow_type(name: str) -> Any:
    pa = import_module("pyarrow")

    types = {"int64": pa.int64(), "double": pa.float64(), "bool": pa.bool_(), "date32": pa.date32()}
    return types.get(name, pa.timestamp("ms", "UTC"))


def _can_cast(values: Any, name: str) -> bool:
    """False for values that only look valid, such as the 30th of February."""
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
    """The table converted to the inferred types; empty cells of typed columns become null."""
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
    """Adapts a sink to the file object that pyarrow expects."""

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
