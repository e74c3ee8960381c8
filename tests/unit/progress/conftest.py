"""A run at one moment."""

from __future__ import annotations

import pytest

from sfr.progress.snapshot import Phase, ReportProgress, Snapshot


@pytest.fixture
def snapshot() -> Snapshot:
    """Twelve of forty reports are done; one is in flight in each phase."""
    return Snapshot(
        done=12,
        failed=1,
        total=40,
        reports=(
            ReportProgress("Accounts", Phase.WAITING, 12.0, 0),
            ReportProgress("Opportunities of the whole world", Phase.DOWNLOADING, 4.0, 9_000_000, 2_000_000.0),
            ReportProgress("Leads", Phase.WRITING, 1.5, 1_000_000),
        ),
        received_bytes=50_000_000,
        ended_bytes=40_000_000,
        expected_total_bytes=200_000_000,
        elapsed_s=20.0,
        eta_s=61.0,
    )
