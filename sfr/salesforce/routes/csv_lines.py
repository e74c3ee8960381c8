"""Formats rows as the classic export does (salesforce-facts.md §1): every cell quoted, quotes doubled, comma, LF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def csv_lines(rows: Iterable[Sequence[str]], encoding: str = "utf-8") -> bytes:
    """The rows as bytes. Characters missing from the encoding become `?`, as in Salesforce; line breaks are kept."""
    lines = ['"' + '","'.join([cell.replace('"', '""') for cell in row]) + '"\n' for row in rows]
    return "".join(lines).encode(encoding, "replace")
