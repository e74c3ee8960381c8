"""Rows of texts as the classic export writes them (salesforce-facts.md §1): all quoted, quotes doubled, comma, LF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def csv_lines(rows: Iterable[Sequence[str]], encoding: str = "utf-8") -> bytes:
    """The rows as bytes. Characters that the encoding lacks become `?`, as Salesforce does; line breaks stay."""
    lines = ['"' + '","'.join([cell.replace('"', '""') for cell in row]) + '"\n' for row in rows]
    return "".join(lines).encode(encoding, "replace")
