from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind
from sfr.history.history import History
from sfr.model import Report, Status
from sfr.report_list.date_template import fill_dates
from sfr.results import ReportStats, RunStats
from sfr.storage.retention import name_pattern, remove_old_files

TEMPLATE = "Sales {run_date} (all)"
FIRST_DAY = datetime(2026, 11, 1, tzinfo=UTC)


def write(directory: Path, day: int, *, template: str = TEMPLATE, status: Status = Status.SAVED) -> ReportStats:
    """The report of one day, with its file in place."""
    name = fill_dates(template, FIRST_DAY + timedelta(days=day))
    report = Report(0, "SFDC", name, "00O1V0000000001UA4", str(directory), "?export=1", name_template=template)
    Path(report.path).write_text(f"day {day}")
    return ReportStats(report, status, size_bytes=len(f"day {day}"))


def record(history: History, *reports: ReportStats) -> None:
    """One run after the other."""
    for number, stats in enumerate(reports):
        at = FIRST_DAY + timedelta(days=number)
        history.begin(f"run-{number}", at, [stats.report])
        history.end(RunStats(f"run-{number}", at, at, 1.0, 0, "https://x", "1", 1, 1, (stats,)))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    """A new history."""
    with History.open(str(tmp_path / ".sfr" / "history.sqlite3")) as opened:
        yield opened


@pytest.mark.parametrize(("keep", "left"), [(0, 1), (1, 2), (2, 3), (9, 5)])
def test_newest_files_stay(tmp_path: Path, history: History, keep: int, left: int) -> None:
    """The file of this run and the `keep` newest before it stay, the others go."""
    days = [write(tmp_path, day) for day in range(5)]
    record(history, *days)

    removed = remove_old_files([days[-1]], keep, history)

    assert sorted(tmp_path.glob("*.csv")) == [Path(stats.report.path) for stats in days[5 - left :]]
    assert len(removed) == 5 - left


def test_files_that_are_gone_do_not_count_among_those_that_stay(tmp_path: Path, history: History) -> None:
    """Who removed the newest by hand keeps as many of the older ones."""
    days = [write(tmp_path, day) for day in range(5)]
    record(history, *days)
    Path(days[3].report.path).unlink()

    remove_old_files([days[4]], 1, history)

    assert sorted(tmp_path.glob("*.csv")) == [Path(days[2].report.path), Path(days[4].report.path)]


def test_only_files_of_the_history_are_removed(tmp_path: Path, history: History) -> None:
    """Not a neighbour, not a file of that name which no run wrote, not one that was changed, not a link."""
    days = [write(tmp_path, day) for day in range(5)]
    record(history, *days)
    neighbour = tmp_path / "Sales 2026-10-01 (all).csv"
    neighbour.write_text("mine")
    Path(days[1].report.path).write_text("changed by a person")
    (tmp_path / "other").write_text("day 2")  # its name, the link's content, has the size of the file that was written
    Path(days[2].report.path).unlink()
    Path(days[2].report.path).symlink_to("other")

    removed = remove_old_files([days[4]], 0, history)

    assert set(removed) == {days[0].report.path, days[3].report.path}
    assert neighbour.exists()
    assert (tmp_path / "other").exists()


def test_file_whose_name_does_not_match_the_row_stays(tmp_path: Path) -> None:
    """Whatever the history says."""
    today, other = write(tmp_path, 1), write(tmp_path, 0, template="Costs {run_date}")

    class Wrong:
        def files(self, report: Report) -> tuple[tuple[str, int | None], ...]:
            return ((other.report.path, other.size_bytes),)

    assert remove_old_files([today], 0, Wrong()) == ()
    assert Path(other.report.path).exists()


def test_nothing_is_removed_when_name_directory_or_outcome_forbid_it(tmp_path: Path, history: History) -> None:
    """No date in the name, another directory, a failed report: every file stays."""
    plain = [write(tmp_path, day, template="Sales") for day in range(2)]
    record(history, *plain)
    assert remove_old_files([plain[1]], 0, history) == ()

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    here, there = write(tmp_path / "a", 0), write(tmp_path / "b", 1)
    record(history, here, there)
    assert remove_old_files([there], 0, history) == ()

    today = write(tmp_path / "a", 2)
    record(history, here, today)
    failed = ReportStats(today.report, Status.FAILED, ErrorKind.TIMEOUT)
    assert remove_old_files([failed], 0, history) == ()
    assert remove_old_files([today], 0, history, protected=[here.report.path]) == ()
    assert remove_old_files([today], 0, history) == (here.report.path,)


def test_run_continues_when_a_file_cannot_be_removed(
    tmp_path: Path, history: History, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A warning, and the next file."""
    days = [write(tmp_path, day) for day in range(3)]
    record(history, *days)

    def refuse(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.unlink", refuse)

    assert remove_old_files([days[2]], 0, history) == ()
    assert [each.levelno for each in caplog.records] == [logging.WARNING] * 2


@given(
    st.text(st.characters(exclude_characters="{}/\0", exclude_categories=["Cs", "Cc"]), max_size=20),
    st.integers(0, 9999),
)
def test_pattern_matches_every_name_that_the_template_makes(text: str, days: int) -> None:
    """Whatever surrounds the date is taken literally."""
    template = f"{text}{{run_date-1d:%Y%m%d}}{text}"
    name = fill_dates(template, FIRST_DAY - timedelta(days=days))

    assert name_pattern(template).fullmatch(name)
