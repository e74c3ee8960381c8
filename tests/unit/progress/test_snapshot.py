from __future__ import annotations

from dataclasses import replace

import pytest

from sfr.progress.snapshot import Phase, ReportProgress, Snapshot

WRITTEN = ReportProgress("a", Phase.WRITING, 1.0, 100)
LOADED = ReportProgress("b", Phase.DOWNLOADING, 1.0, 100)


def test_fraction_counts_bytes_that_are_not_written_half(snapshot: Snapshot) -> None:
    """What has arrived is half done; ten small reports done of forty are not a quarter of the work."""
    assert snapshot.fraction == 90 / 400
    assert replace(snapshot, ended_bytes=0, received_bytes=200_000_000).fraction == 0.5


def test_fraction_is_by_reports_when_bytes_are_unknown(snapshot: Snapshot) -> None:
    """1 only at the end, and for a run without reports."""
    unknown = replace(snapshot, expected_total_bytes=None)

    assert unknown.fraction == 0.3
    assert replace(unknown, done=40).fraction == 1.0
    assert replace(unknown, done=0, total=0).fraction == 1.0


@pytest.mark.parametrize(
    ("eta_s", "reports", "words"),
    [
        (61.0, (LOADED,), "about 1 min 01 s to go"),
        (2.5, (WRITTEN,), "about 2.5 s to go"),
        (0.0, (WRITTEN,), "finishing"),
        (0.9, (WRITTEN,), "finishing"),
        (0.0, (WRITTEN, LOADED), ""),  # it takes longer than last time, nobody knows how long
        (0.0, (), ""),
        (None, (WRITTEN,), ""),
    ],
)
def test_time_to_go_is_never_nothing_while_work_is_left(
    snapshot: Snapshot, eta_s: float | None, reports: tuple[ReportProgress, ...], words: str
) -> None:
    """An honest figure, or `finishing` once only writing is left, or nothing at all."""
    found = replace(snapshot, done=snapshot.total - len(reports) or 39, reports=reports, eta_s=eta_s)

    assert found.time_to_go == words
