"""Every engine of the registry keeps the interface."""

from __future__ import annotations

from typing import get_args

import pytest

from sfr.fleet.engine import FleetEngine
from sfr.fleet.engines import ENGINES, open_engine
from sfr.fleet.settings import EngineName, FleetSettings

SETTINGS = FleetSettings.model_validate(
    {"orgs": [{"glob": "*.yaml"}], "at_once": 3, "dask": {"scheduler": "tcp://127.0.0.1:8786"}}
)


def test_registry_holds_the_engines_that_a_file_may_name():
    """No more, and no fewer."""
    assert set(ENGINES) == set(get_args(EngineName))


@pytest.mark.parametrize("name", ENGINES)
def test_engine_has_the_whole_interface_and_starts_nothing_when_it_is_opened(name):
    """Opening connects to nothing."""
    engine = open_engine(name, SETTINGS)

    assert engine.at_once >= 1
    assert all(hasattr(type(engine), each) or hasattr(engine, each) for each in dir(FleetEngine) if each[0] != "_")
