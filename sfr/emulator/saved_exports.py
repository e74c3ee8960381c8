"""Exports compressed once and then served from a file, for tests that want a large report often and fast."""

from __future__ import annotations

import threading
from itertools import chain
from pathlib import Path

from sfr.emulator.body_stages import gzip_stage
from sfr.emulator.csv_text import CsvForm, CsvTiles
from sfr.emulator.reports import Report


class SavedExports:
    """The compressed exports of the reports that are `saved`. Thread-safe; each is made once."""

    def __init__(self, directory: Path, tiles: CsvTiles) -> None:
        self._directory = directory
        self._tiles = tiles
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def gzip_file(self, report: Report, form: CsvForm, footer: bytes, variant: str, level: int) -> Path:
        """The gzip file of an export; the footer of its first request stays in it."""
        separator = "comma" if form.separator == "," else "other"
        name = f"export-{report.id}-{report.rows}-{form.encoding}-{separator}-{variant}.csv.gz"
        with self._lock:
            making = self._making.setdefault(name, threading.Lock())
        path = self._directory / name
        with making:
            if not path.exists():
                partial = path.with_suffix(".part")
                partial.unlink(missing_ok=True)
                with partial.open("xb") as file:  # others may have put a link there
                    for piece in gzip_stage(chain(self._tiles.blocks(report, form), (footer,)), level):
                        file.write(piece)
                partial.replace(path)
        return path
