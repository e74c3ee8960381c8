"""Writes `jsonl`: one JSON object per line, UTF-8, all values strings, with unique column labels as keys."""

from __future__ import annotations

import functools
import re

from sfr.body.header import labels_of, unique_labels
from sfr.formats.base import Format, Layout, Sink
from sfr.formats.record_chunks import converted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

#: Size of the CSV text that is converted in one step: its cells should stay in the processor's cache.
CHUNK_BYTES = 64 * 1024
#: What the labels may add to a chunk: they are repeated in every record, and may be much longer than its cells.
MAX_LABELS_BYTES = 8 * 1024 * 1024
#: An empty cell and what follows it.
_MIN_CELL_BYTES = 3
#: Characters buffered before a write, of records converted one by one.
WRITE_BLOCK_CHARS = 256 * 1024

#: Stands for a line end until those inside cells are escaped: this byte occurs in no UTF-8 text.
_LINE_END_MARK = b"\xff"
_FREQUENT_CONTROLS = {b"\n": b"\\n", b"\r": b"\\r", b"\t": b"\\t"}
_OTHER_CONTROLS = bytes(byte for byte in range(32) if byte not in b"\n\r\t")
_OTHER_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:
    """Write a line per record."""
    labels = unique_labels(labels_of(layout.header, layout.encoding))
    for lines in _lines(blocks, layout, labels):
        sink.write(lines)


def _lines(blocks: Iterable[bytes], layout: Layout, labels: tuple[str, ...]) -> Iterator[bytes]:
    from json.encoder import encode_basestring as as_json

    keys = [as_json(label) for label in labels]
    to_lines = _QuotedCsv(layout.header.delimiter, layout.header.line_end, [key.encode() for key in keys])
    max_records = max(1, MAX_LABELS_BYTES // sum(map(len, keys)))
    chunk_bytes = min(CHUNK_BYTES, max_records * len(keys) * _MIN_CELL_BYTES)
    records = yield from converted(blocks, layout, chunk_bytes, to_lines.lines_of)

    line = "{" + ", ".join(key.replace("%", "%%") + ": %s" for key in keys) + "}\n"
    lines: list[str] = []
    gathered = 0
    for record in records:
        text = line % tuple(map(as_json, record))
        lines.append(text)
        gathered += len(text)
        if gathered >= WRITE_BLOCK_CHARS:
            yield "".join(lines).encode()
            lines.clear()
            gathered = 0
    yield "".join(lines).encode()


class _QuotedCsv:
    """Turns fully quoted CSV into JSON lines by replacing what is between the cells.

    The text is split at its quotes: what is between cells is then a delimiter, a line end, or nothing for a doubled
    quote, which is part of a cell. If it is anything else, or in another order, the text is not converted.
    """

    def __init__(self, delimiter: bytes, line_end: bytes, keys: list[bytes]) -> None:
        self._between_cells = [delimiter] * (len(keys) - 1) + [line_end]
        self._line_start = b"{" + keys[0] + b': "'
        self._line_end = b'"}' + _LINE_END_MARK
        self._between_values = [b'", ' + key + b': "' for key in keys[1:]] + [self._line_end + self._line_start]
        self._has_other_controls = _search_of_controls()

    def lines_of(self, chunk: bytes) -> tuple[int, bytes] | None:
        """The number of records and their lines; None unless the chunk consists of whole, fully quoted records."""
        parts = chunk.replace(b"\\", b"\\\\").split(b'"')
        if parts[0] or parts[-1] != self._between_cells[-1] or not len(parts) % 2:
            return None
        between = parts[2::2]
        records, odd = divmod(len(between), len(self._between_cells))
        if odd or between != self._between_cells * records:
            between_cells = list(filter(None, between))
            records, odd = divmod(len(between_cells), len(self._between_cells))
            if odd or between_cells != self._between_cells * records:
                return None
        parts[2::2] = self._replacements(between, records)
        parts[0], parts[-1] = self._line_start, self._line_end
        lines = b"".join(parts)
        for control, escape in _FREQUENT_CONTROLS.items():
            if control in lines:
                lines = lines.replace(control, escape)
        if self._has_other_controls(chunk):
            lines = _OTHER_CONTROL.sub(_escape, lines)
        return records, lines.replace(_LINE_END_MARK, b"\n")

    def _replacements(self, between: list[bytes], records: int) -> list[bytes]:
        """What takes the place of the parts between cells; empty ones are doubled quotes, between halves of a cell."""
        between_values = self._between_values * records
        doubled = len(between) - len(between_values)
        if not doubled:
            return between_values
        replacements: list[bytes] = []
        start = 0
        for number in range(doubled):
            place = between.index(b"", start)
            replacements += between_values[start - number : place - number]
            replacements.append(b'\\"')
            start = place + 1
        return replacements + between_values[start - doubled :]


def _escape(control: re.Match[bytes]) -> bytes:
    from json.encoder import encode_basestring as as_json

    return as_json(control[0].decode())[1:-1].encode()


@functools.cache
def _search_of_controls() -> Callable[[bytes], bool]:
    """Whether a text has controls other than the frequent ones: by stringzilla where it is installed."""
    from importlib import import_module

    try:
        find_first_of = import_module("stringzilla").find_first_of
    except ImportError:
        return lambda text: _OTHER_CONTROL.search(text) is not None
    return lambda text: find_first_of(text, _OTHER_CONTROLS) >= 0


JSONL = Format("jsonl", write)
