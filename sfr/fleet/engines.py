"""The registry of engines: how the orgs of a fleet are run. A new engine is one module and one line."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from sfr.fleet.engine import FleetEngine
from sfr.fleet.settings import FleetSettings

#: Name in the fleet's file → module with `open_engine`.
ENGINES = {"local": "sfr.fleet.local", "dask": "sfr.fleet.dask", "index": "sfr.fleet.index"}


def open_engine(name: str, settings: FleetSettings) -> FleetEngine:
    """The engine of this name. Raises UsageError if the fleet's file lacks what it needs."""
    make: Callable[[FleetSettings], FleetEngine] = import_module(ENGINES[name]).open_engine
    return make(settings)
