"""Connectors wait for servers that recover; those of the tests recover at once."""

import pytest


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr("sfr.salesforce.rest.MAX_WAIT_S", 0.02)
    monkeypatch.setattr("sfr.salesforce.routes.bulk_query.FIRST_POLL_S", 0.01)
