"""Raises the limit of the csv module for long cells while any thread reads them.

The limit belongs to the whole process: it is restored after the last of the threads that need it.
"""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sfr.formats.text_records import MAX_CELL_CHARS


class CellLimit:
    """Counts the readers of long cells. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._readers = 0
        self._former = 0

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Inside the block, cells may be as long as the longest of Salesforce."""
        with self._lock:
            if not self._readers:
                self._former = csv.field_size_limit(MAX_CELL_CHARS)
            self._readers += 1
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    csv.field_size_limit(self._former)


#: One per process, like the limit itself.
CELL_LIMIT = CellLimit()
