"""The kinds of destinations: one module each, and this registry. A new kind is one module and one line here.

Loads none of their libraries: the configuration reads the settings from here.
"""

from __future__ import annotations

from sfr.destinations import azure, duckdb, folder, gcs, postgres, s3, sftp, sqlite
from sfr.destinations.base import Attempt, Delivered, Destination, Item, Kind, ProvedFile, Surroundings

__all__ = ["KINDS", "Attempt", "Delivered", "Destination", "Item", "Kind", "ProvedFile", "Surroundings"]

KINDS: dict[str, Kind] = {
    "folder": folder.KIND,
    "s3": s3.KIND,
    "gcs": gcs.KIND,
    "azure": azure.KIND,
    "sftp": sftp.KIND,
    "postgres": postgres.KIND,
    "duckdb": duckdb.KIND,
    "sqlite": sqlite.KIND,
}
"""Key under a destination's name → how it delivers."""
