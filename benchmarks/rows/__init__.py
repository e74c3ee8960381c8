"""The rows of the table: one module each, and this registry of name → function."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.results import RowResult, Settings
from benchmarks.rows import cgroup, formats, memory, small, startup, throughput, uneven

ROWS: dict[str, Callable[[Settings], RowResult]] = {
    **throughput.rows(),
    "formats": formats.measure,
    "memory": memory.measure,
    **small.rows(),
    "startup": startup.measure,
    "uneven": uneven.measure,
    "cgroup": cgroup.measure,
}
