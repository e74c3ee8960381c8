"""The registry of engines: how the orgs of a fleet are run. A new engine is one module and one line."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from sfr.errors import UsageError
from sfr.fleet.engine import FleetEngine

#: Name in the fleet's file → module with `open_engine`.
ENGINES = {"local": "sfr.fleet.local", "index": "sfr.fleet.index"}


def open_engine(name: str, at_once: int) -> FleetEngine:
    """The engine of this name. Raises UsageError if it is none of this version."""
    module = ENGINES.get(name)
    if module is None:
        raise UsageError(
            f"engine: `{name}` is not part of this version of SFR; expected `local`, or `index` under a scheduler "
            "that starts one process per org"
        )
    make: Callable[[int], FleetEngine] = import_module(module).open_engine
    return make(at_once)
