"""Renders a report as the CSV of the classic export, in blocks of a thousand rows and constant memory.

Every cell is quoted, inner quotes are doubled, rows end with LF; line breaks inside cells stay as they are. Does not
write the footer.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sfr.emulator.catalogue.columns import TILE_DIGITS, TILE_MARK, TILE_ROWS
from sfr.emulator.catalogue.reports import Report

#: Templates of reports kept in memory.
MAX_TEMPLATES = 32


@dataclass(frozen=True, slots=True)
class CsvForm:
    """Encoding and separator of an export. Characters missing from the encoding become `?`, as in Salesforce."""

    encoding: str = "utf-8"
    separator: str = ","

    def line(self, texts: Iterable[str]) -> bytes:
        """One record with its LF."""
        quoted = ('"' + text.replace('"', '""') + '"' for text in texts)
        return (self.separator.join(quoted) + "\n").encode(self.encoding, "replace")


class CsvTiles:
    """Renders reports; keeps the template of each report's first thousand rows, at most `MAX_TEMPLATES` of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tiles: dict[tuple[str, int, CsvForm], tuple[bytes, ...]] = {}

    def blocks(self, report: Report, form: CsvForm) -> Iterator[bytes]:
        """The header record, then the rows, about 200 KB at a time."""
        yield form.line(column.label for column in report.export_columns)
        if report.shown is not None:
            yield from self._shown_blocks(report, report.shown, form)
            return
        if report.rows == 0:
            return
        lines = self._tile(report, form)
        template = b"".join(lines)
        mark = TILE_MARK.encode()
        tiles, rest = divmod(report.rows, TILE_ROWS)
        for tile in range(tiles):
            yield template.replace(mark, b"%0*d" % (TILE_DIGITS, tile))
        if rest:
            yield b"".join(lines[:rest]).replace(mark, b"%0*d" % (TILE_DIGITS, tiles))

    @staticmethod
    def _shown_blocks(report: Report, shown: Sequence[int], form: CsvForm) -> Iterator[bytes]:
        """Rows selected by filters, rendered one by one."""
        columns = report.export_columns
        for begin in range(0, len(shown), TILE_ROWS):
            rows = shown[begin : begin + TILE_ROWS]
            yield b"".join([form.line([column.cell(row).text for column in columns]) for row in rows])

    def rows_for(self, report: Report, size_bytes: int) -> int:
        """The number of rows for an export of at least `size_bytes` in UTF-8, without the footer."""
        lines = self._tile(report, CsvForm())
        tile_bytes = sum(map(len, lines))
        tiles, left = divmod(max(size_bytes, 1), tile_bytes)
        rows = int(tiles) * TILE_ROWS
        for line in lines:
            if left <= 0:
                break
            left -= len(line)
            rows += 1
        return rows

    def _tile(self, report: Report, form: CsvForm) -> tuple[bytes, ...]:
        """The lines of the first tile, with placeholders; fewer if the report is shorter."""
        key = (report.id, report.rows, form)
        with self._lock:
            found = self._tiles.get(key)
        if found is not None:
            return found
        sources = [column.source for column in report.export_columns]
        count = min(report.rows, TILE_ROWS)
        lines = tuple(form.line([source.template(row) for source in sources]) for row in range(count))
        with self._lock:
            while len(self._tiles) >= MAX_TEMPLATES:
                del self._tiles[next(iter(self._tiles))]
            self._tiles[key] = lines
        return lines
