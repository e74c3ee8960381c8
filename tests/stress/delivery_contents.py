"""The reports of `delivery_faults`, and what each destination shows of them to its other users."""

from __future__ import annotations

import csv
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sfr.emulator import Emulator
from tests.deliveries import Tables
from tests.s3_server import Bucket

#: Even, and so is a quarter of them: see `change_reports`.
ROWS = {"Faults 0": 8, "Faults 1": 400, "Faults 2": 4_000, "Faults 3": 34_000}
#: This one is uploaded to S3 in parts; it goes to no table, since each would take its time.
LARGE = "Faults 3"
TABLES = {name: name.lower().replace(" ", "_") for name in ROWS if name != LARGE}
FILES = ("share", "bucket", "partner")
#: Of PostgreSQL, a schema each.
MODES = ("replace", "append", "merge")

Rows = list[tuple[Any, ...]]
#: A file's SHA-256; a table's rows, of each date if it is appended to.
Content = str | Rows | dict[str, Rows] | None


@dataclass(frozen=True)
class Version:
    """A report as the org holds it at the moment."""

    text: bytes
    sha256: str
    #: Sorted as `Tables.rows` does; empty if it goes to no table.
    rows: Rows

    @classmethod
    def of(cls, name: str, text: bytes) -> Version:
        """Read the text as `csv` does."""
        if name not in TABLES:
            return cls(text, hashlib.sha256(text).hexdigest(), [])
        records = csv.reader(io.StringIO(text.decode(), newline=""))
        next(records)
        return cls(text, hashlib.sha256(text).hexdigest(), sorted(map(tuple, records), key=repr))


def change_reports(org: Emulator, number: int) -> dict[str, Version]:
    """Give every report other cells, and more or fewer rows than before; by name.

    number: how often that was done before. The org keeps the cells of a report and a number of rows: none comes twice.
    """
    org.org.catalogue.seed = str(number)
    versions = {}
    for name, rows in ROWS.items():
        org.add_report(name, rows=rows + number + (0 if number % 2 else rows // 4))
        versions[name] = Version.of(name, b"".join(org.expected_csv(name)))
    return versions


class Shown(Protocol):
    """A destination as its other users see it."""

    def now(self, name: str) -> Content:
        """What it shows of this report; None for nothing."""
        ...

    def after(self, before: Content, version: Version, date: str) -> Content:
        """What it has to show once this version was delivered."""
        ...

    def left(self) -> list[str]:
        """Temporary files that nothing removes any more."""
        ...


@dataclass(frozen=True)
class ShownFiles:
    """Files of a directory."""

    directory: Path

    def now(self, name: str) -> Content:
        """Its digest."""
        path = self.directory / f"{name}.csv"
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None

    def after(self, _before: Content, version: Version, _date: str) -> Content:
        """The file's own bytes."""
        return version.sha256

    def left(self) -> list[str]:
        """Whatever is no report."""
        return sorted({path.name for path in self.directory.iterdir()} - {f"{name}.csv" for name in ROWS})


@dataclass(frozen=True)
class ShownObjects:
    """Objects of a bucket."""

    bucket: Bucket
    prefix: str

    def now(self, name: str) -> Content:
        """Its digest."""
        key = f"{self.prefix}/{name}.csv"
        return hashlib.sha256(self.bucket.get(key)).hexdigest() if key in self.bucket.keys else None

    def after(self, _before: Content, version: Version, _date: str) -> Content:
        """The file's own bytes."""
        return version.sha256

    def left(self) -> list[str]:
        """Objects that are no report; parts of cut uploads are no objects."""
        wanted = {f"{self.prefix}/{name}.csv" for name in ROWS}
        return sorted(key for key in self.bucket.keys if key.startswith(f"{self.prefix}/") and key not in wanted)


@dataclass(frozen=True)
class ShownTables:
    """Tables of a database."""

    tables: Tables
    mode: str = "replace"

    def now(self, name: str) -> Content:
        """The rows; with `append` by date."""
        try:
            rows = self.tables.rows(TABLES[name])
        except Exception as error:
            if "does not exist" in str(error):
                return None
            raise
        if self.mode != "append":
            return rows
        dates: dict[str, Rows] = {}
        for *cells, date in rows:
            dates.setdefault(str(date), []).append(tuple(cells))
        return dates

    def after(self, before: Content, version: Version, date: str) -> Content:
        """The rows of the report; with `append` those of other dates, too, with `merge` those with other keys."""
        if self.mode == "append":
            assert before is None or isinstance(before, dict)
            return {**(before or {}), date: version.rows}
        if self.mode == "merge":
            assert before is None or isinstance(before, list)
            merged = {row[0]: row for row in [*(before or []), *version.rows]}
            return sorted(merged.values(), key=repr)
        return version.rows

    def left(self) -> list[str]:
        """Files beside that of an embedded database; sessions on a server are looked for elsewhere."""
        path = self.tables.settings.get("path")
        if path is None:
            return []
        own = {Path(path).name, f"{Path(path).name}.wal"}
        return sorted(each.name for each in Path(path).parent.iterdir() if each.name not in own)
