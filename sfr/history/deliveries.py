"""Records which content each destination has, so that it need not be delivered again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.history.file import BUSY, LOCKED, result_code
from sfr.history.recording import Transaction

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class DeliveredContent:
    """Where content was delivered."""

    #: Digest of the destination's settings, without secrets.
    destination: bytes
    #: A URL without credentials.
    target: str
    #: Of rows that were appended; else empty.
    sfr_date: str = ""


class DeliveryRecords:
    """What each target holds: the content delivered last. Raises errors of the database, except when another program
    has locked it: then changes stay pending.
    """

    def __init__(self, database: sqlite3.Connection, run: int) -> None:
        self._database = database
        self._run = run
        self._pending: list[tuple[str, Sequence[object]]] = []

    def has(self, content: DeliveredContent, sha256: str) -> bool:
        """Whether the target holds this content, according to the last delivery. If so, the record is kept longer."""
        row = self._database.execute(
            "SELECT sha256 FROM deliveries WHERE target = ? AND destination = ? AND sfr_date = ?",
            (content.target, content.destination, content.sfr_date),
        ).fetchone()
        if row is None or row["sha256"] != sha256:
            return False
        self._write(
            "UPDATE deliveries SET run = ? WHERE target = ? AND destination = ? AND sfr_date = ?",
            (self._run, content.target, content.destination, content.sfr_date),
        )
        return True

    def begin(self, content: DeliveredContent) -> None:
        """Forget what the target holds: from now on, until `end`, it may be the old or the new content."""
        # What other settings delivered to the same target is overwritten, too.
        self._write(
            "DELETE FROM deliveries WHERE target = ? AND (destination != ? OR sfr_date = ?)",
            (content.target, content.destination, content.sfr_date),
        )

    def end(self, content: DeliveredContent, sha256: str) -> None:
        """Record that the target holds this content."""
        self._write(
            "INSERT OR REPLACE INTO deliveries (target, destination, sfr_date, sha256, run, delivered_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (content.target, content.destination, content.sfr_date, sha256, self._run, time.time()),
        )

    def flush(self) -> None:
        """Write pending changes, unless another program has locked the database."""
        import sqlite3

        if not self._pending:
            return
        try:
            with Transaction(self._database):
                for statement, values in self._pending:
                    self._database.execute(statement, values)
        except sqlite3.OperationalError as error:
            if result_code(error) not in (BUSY, LOCKED):
                raise
            return
        self._pending.clear()

    def _write(self, statement: str, values: Sequence[object]) -> None:
        self._pending.append((statement, values))
        self.flush()
