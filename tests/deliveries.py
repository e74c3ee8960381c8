"""What tests of destinations share: proved files, attempts, and tables as they are in a database."""

from __future__ import annotations

import gzip
import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from sfr.destinations import KINDS, Destination, Item, ProvedFile, Surroundings
from sfr.redaction import Secret
from sfr.report_list.date_template import fill_dates
from sfr.runner.delivery_attempt import DeliveryAttempt

NOW = datetime.fromisoformat("2026-11-28T04:00:00+01:00")
PREFIX = ".sfr-20261128T040000-00000000-"


def surroundings(**changes: Any) -> Surroundings:
    """Those of the default configuration."""
    values: dict[str, Any] = {
        "fill_dates": fill_dates,
        "file_mode": 0o640,
        "connect_timeout_s": 5.0,
        "idle_timeout_s": 20.0,
        **changes,
    }
    return Surroundings(**values)


def destination(kind: str, **settings: Any) -> Destination:
    """A destination of this kind; a `url` becomes a secret."""
    if "url" in settings:
        settings["url"] = Secret(settings["url"])
    return KINDS[kind].make(KINDS[kind].settings(**settings), surroundings())


def item(name: str = "Open Pipeline", **changes: Any) -> Item:
    """A report of the list."""
    values: dict[str, Any] = {
        "name": name,
        "name_template": name,
        "report_id": "00OD0000001ZbP7MAK",
        "format": "csv",
        "encoding": "utf-8",
        "table": "",
        "at": NOW,
        **changes,
    }
    return Item(**values)


def proved(directory: Path, content: bytes, rows: int | None = None, **changes: Any) -> ProvedFile:
    """A report file with this content."""
    about = item(**changes)
    if about.format == "csv.gz":
        content = gzip.compress(content)
    path = directory / about.file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return ProvedFile(about, str(path), len(content), hashlib.sha256(content).hexdigest(), rows)


def csv_text(*records: Iterable[str]) -> bytes:
    """Records in Salesforce's dialect."""
    lines = (",".join('"' + cell.replace('"', '""') + '"' for cell in record) for record in records)
    return "".join(f"{line}\n" for line in lines).encode()


def attempt(timeout_s: float = 60.0, idle_timeout_s: float = 60.0, *, may_publish: bool = True) -> DeliveryAttempt:
    """An attempt with its time before it. may_publish: whether its run still holds the lease of its output."""
    return DeliveryAttempt(PREFIX, timeout_s, idle_timeout_s, may_publish=lambda: may_publish)


class Tables:
    """A database as its other users see it."""

    def __init__(self, kind: str, settings: dict[str, Any]) -> None:
        self.kind, self.settings = kind, settings

    def destination(self, **changes: Any) -> Destination:
        """SFR's destination for it."""
        return destination(self.kind, **{**self.settings, **changes})

    def connect(self) -> Any:
        """A connection of another program."""
        if self.kind == "sqlite":
            return sqlite3.connect(self.settings["path"], timeout=5)
        if self.kind == "duckdb":
            import duckdb

            return duckdb.connect(self.settings["path"])
        import psycopg

        return psycopg.connect(self.settings["url"])

    def execute(self, *statements: str) -> None:
        """Run statements and commit."""
        with closing(self.connect()) as database:
            for statement in statements:
                database.execute(statement)
            database.commit()

    def rows(self, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
        """The table's rows, in any order."""
        with closing(self.connect()) as database:
            found = database.execute(f'SELECT {columns} FROM "{table}"').fetchall()
        return sorted(map(tuple, found), key=repr)

    def columns(self, table: str) -> list[str]:
        """Names of the table's columns, in order."""
        with closing(self.connect()) as database:
            cursor = database.execute(f'SELECT * FROM "{table}" LIMIT 0')
            return [each[0] for each in cursor.description]
