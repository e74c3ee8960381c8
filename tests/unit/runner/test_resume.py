"""Which reports `--resume` and `max_age_h` leave out: only those whose file is the one that a run proved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfr.errors import ErrorKind
from sfr.history.history import History
from sfr.model import Report, Status
from sfr.results import ReportStats, RunStats
from sfr.runner.resume import not_to_fetch, shown_age

NOW = datetime(2026, 11, 28, 4, 0, tzinfo=UTC)
CONTENT = b'"Id"\n"1"\n'


class Past:
    """A run two hours ago that saved reports, and their files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.history = History.open(str(directory / "history.sqlite3"))

    def report(self, position: int = 0, **changes: object) -> Report:
        """A row of the list."""
        row = Report(position, "SFDC", f"r{position}", f"00O1V0000{position:06d}UA4", str(self.directory), "?export=1")
        return replace(row, **changes)

    def run(self, *reports: Report, sha256: str | None = hashlib.sha256(CONTENT).hexdigest(), **values: object) -> None:
        """Record the run."""
        at = NOW - timedelta(hours=2)
        self.history.begin("past", at, list(reports))
        ended = []
        for report in reports:
            Path(report.path).write_bytes(CONTENT)
            stats = ReportStats(report, Status.SAVED, pulled_at=at, rows=1, size_bytes=len(CONTENT), sha256=sha256)
            ended.append(replace(stats, **values))
        self.history.end(RunStats("past", at, at, 1.0, 0, "https://x", "1", 1, 1, tuple(ended)))

    def skipped(self, *reports: Report, resume_max_age_h: float | None = 12) -> list[ReportStats]:
        """What a run that begins now leaves out."""
        self.history.begin("now", NOW, list(reports))
        return not_to_fetch(reports, self.history, NOW, resume_max_age_h)


@pytest.fixture
def past(tmp_path: Path):
    """An empty history."""
    opened = Past(tmp_path)
    with opened.history:
        yield opened


def test_report_is_skipped_when_its_file_is_the_proved_one(past: Past) -> None:
    """With the figures of then, and without an error of a delivery."""
    report = past.report()
    past.run(report, status=Status.FAILED, error=ErrorKind.DELIVERY, message="No such bucket.")

    (stats,) = past.skipped(report)

    assert (stats.status, stats.error, stats.message) == (Status.SKIPPED, None, "")
    assert (stats.report, stats.rows, stats.size_bytes) == (report, 1, len(CONTENT))


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(CONTENT + b"\n"),
        lambda path: path.write_bytes(CONTENT.replace(b"1", b"2")),
        lambda path: path.write_bytes(b""),
    ],
    ids=["removed", "longer", "other bytes", "emptied"],
)
@pytest.mark.parametrize("max_age_h", [0, 12])
def test_report_is_fetched_when_its_file_has_changed(
    past: Past, change: Callable[[Path], object], max_age_h: float
) -> None:
    """By `--resume` and by `max_age_h`: nothing is believed without a look at the file."""
    report = past.report(max_age_h=max_age_h)
    past.run(report)
    change(Path(report.path))

    assert past.skipped(report, resume_max_age_h=None if max_age_h else 12) == []


def test_size_is_compared_when_no_hash_is_known(past: Past) -> None:
    """`checksum: none`; deliveries get the hash that was computed now."""
    first, second = past.report(0), past.report(1)
    past.run(first, second, sha256=None)
    Path(second.path).write_bytes(CONTENT + b"\n")

    plain = past.skipped(first, second)
    row = replace(first, deliver=("share",))
    delivered = past.skipped(row) + past.skipped(replace(row, max_age_h=12), resume_max_age_h=None)

    assert [(stats.report.position, stats.sha256) for stats in plain] == [(0, None)]
    assert [stats.sha256 for stats in delivered] == [hashlib.sha256(CONTENT).hexdigest()] * 2


def test_fresh_report_is_skipped_with_its_age(past: Past) -> None:
    """Without `--resume`; at the limit it is fetched, and so is one without the option."""
    fresh, stale, other = past.report(0, max_age_h=2.5), past.report(1, max_age_h=2), past.report(2)
    past.run(fresh, stale, other)

    (stats,) = past.skipped(fresh, stale, other, resume_max_age_h=None)

    assert (stats.report, stats.status, stats.error) == (fresh, Status.SKIPPED, None)
    assert stats.message.startswith("Fetched 2.0 h ago, at ")
    assert stats.message.endswith("; fetched again from 2.5 h on (`max_age_h`).")
    assert past.skipped(replace(fresh, deliver=("share",)), resume_max_age_h=None)[0].sha256 is not None


def test_report_that_resume_skips_is_not_skipped_twice(past: Past) -> None:
    """`--resume` decides first."""
    report = past.report(max_age_h=12)
    past.run(report)

    assert [stats.message for stats in past.skipped(report)] == [""]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1.0 h"), (5400, "1.5 h")],
)
def test_age_is_shown_in_a_readable_unit(seconds: float, shown: str) -> None:
    """Seconds, minutes, hours."""
    assert shown_age(seconds) == shown
