"""Writes `csv`: the bytes of the data, unchanged."""

from __future__ import annotations

from sfr.formats.base import Format, Layout, Sink

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def write(blocks: Iterable[bytes], sink: Sink, layout: Layout) -> None:  # noqa: ARG001 - the signature of formats
    """Write every block unchanged."""
    for block in blocks:
        sink.write(block)


CSV = Format("csv", write, is_plain=True, is_csv=True)
