"""Workers of a run that shares the machine with other runs of a fleet."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sfr.runner import assembly


@pytest.mark.parametrize(
    ("count", "usable", "reports", "runs", "expected"),
    [("auto", 8, 20, 1, 8), ("auto", 8, 20, 4, 2), ("auto", 8, 20, 16, 1), ("auto", 8, 1, 2, 1), (6, 8, 20, 4, 6)],
)
def test_automatic_number_of_workers_is_divided_among_the_runs(monkeypatch, count, usable, reports, runs, expected):
    """A number that was configured stays."""
    monkeypatch.setattr(assembly.sizing, "worker_count", lambda: usable)
    config = SimpleNamespace(workers=SimpleNamespace(count=count))

    assert assembly.worker_count(config, reports, runs) == expected
