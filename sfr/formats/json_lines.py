"""Writes `jsonl`: one JSON object per line, UTF-8, all values strings, with unique column labels as keys."""

from __future__ import annotations

from sfr.body.header import labels_of, unique_labels
from sfr.formats.base import Format, Layout, Sink
from sfr.formats.text_records import text_records

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters buffered before a write.
WRITE_BLOCK_CHARS = 256 * 1024


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:
    """Write a line per record."""
    from json.encoder import encode_basestring as as_json

    labels = unique_labels(labels_of(layout.header, layout.encoding))
    keys = (as_json(label).replace("%", "%%") for label in labels)
    line = "{" + ", ".join(f"{key}: %s" for key in keys) + "}\n"
    lines: list[str] = []
    gathered = 0
    for record in text_records(blocks, layout):
        text = line % tuple(map(as_json, record))
        lines.append(text)
        gathered += len(text)
        if gathered >= WRITE_BLOCK_CHARS:
            sink.write("".join(lines).encode())
            lines.clear()
            gathered = 0
    sink.write("".join(lines).encode())


JSONL = Format("jsonl", write)
