"""The org's query cursors, which `nextRecordsUrl` refers to."""

from __future__ import annotations

import threading

from sfr.emulator.records.soql_run import Selection


class CursorStore:
    """The selections of queries, by cursor id, until the emulator stops. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._selections: dict[str, Selection] = {}

    def add(self, cursor: str, selection: Selection) -> None:
        """Store a selection under this id."""
        with self._lock:
            self._selections[cursor] = selection

    def find(self, cursor: str) -> Selection | None:
        """The selection with this id."""
        with self._lock:
            return self._selections.get(cursor)
