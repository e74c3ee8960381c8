"""The output formats, by the value of `output.format` and the report list's `format`.

A new format is one module here with a `Format`, and one line below. Importing this loads no optional package.
"""

from __future__ import annotations

from sfr.formats.base import Format, Layout, Sink
from sfr.formats.gzip_csv import CSV_GZ
from sfr.formats.json_lines import JSONL
from sfr.formats.parquet import PARQUET
from sfr.formats.plain_csv import CSV
from sfr.formats.xlsx import XLSX
from sfr.formats.zstd_csv import CSV_ZST

__all__ = ["FORMATS", "Format", "Layout", "Sink"]

FORMATS: dict[str, Format] = {entry.name: entry for entry in (CSV, CSV_GZ, CSV_ZST, JSONL, PARQUET, XLSX)}
