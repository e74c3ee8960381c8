from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sfr.errors import ErrorKind
from sfr.history.deliveries import DeliveredContent
from sfr.history.history import History
from sfr.history.schema import GOOD, VERSION
from sfr.history.table import render_history
from sfr.model import Baseline, Report, Status
from sfr.results import ReportStats, RunStats

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def make_report(position: int = 0, **changes: object) -> Report:
    """A row of the list."""
    values: dict[str, object] = {
        "position": position,
        "report_type": "SFDC",
        "name": f"Report {position}",
        "report_id": f"00O1V0000{position:06d}UA4",
        "directory": "/srv/reports",
        "export_params": "?export=1",
        "name_template": f"Report {position}",
        **changes,
    }
    return Report(**values)


def saved(report: Report, **changes: object) -> ReportStats:
    """A report that was saved."""
    values: dict[str, object] = {
        "report": report,
        "status": Status.SAVED,
        "attempt_count": 1,
        "created_at": NOW,
        "pulled_at": NOW + timedelta(seconds=2),
        "processing_time_s": 2.5,
        "rows": 100,
        "columns": 2,
        "size_bytes": 5000,
        "sha256": "ab" * 32,
        "route": "classic",
        "http_status": 200,
        "header": ("Id", "Größe"),
        "received_bytes": 900,
        **changes,
    }
    return ReportStats(**values)


def failed(report: Report) -> ReportStats:
    """A report that failed."""
    return ReportStats(report, Status.FAILED, ErrorKind.TIMEOUT, "It took too long.", 3)


def make_run(*reports: ReportStats, run_id: str = "one", started_at: datetime = NOW, exit_code: int = 0) -> RunStats:
    """A run that has ended."""
    return RunStats(
        run_id, started_at, started_at + timedelta(minutes=1), 60.0, exit_code, "https://x", "1", 4, 2, reports
    )


def record(history: History, run: RunStats) -> None:
    """A whole run, from its beginning to its end."""
    history.begin(run.run_id, run.started_at, [stats.report for stats in run.reports])
    history.end(run)


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the history is, in a directory that is not there yet."""
    return str(tmp_path / ".sfr" / "history.sqlite3")


@pytest.fixture
def history(path: str) -> Iterator[History]:
    """A new history."""
    with History.open(path) as opened:
        yield opened


def test_baseline_is_the_last_good_run_when_later_ones_failed(history: History) -> None:
    """Rows, header, route, bytes and duration of the newest run that saved the report."""
    report = make_report()
    record(history, make_run(saved(report, rows=90), run_id="one"))
    record(history, make_run(saved(report, status=Status.UNCHANGED), run_id="two"))
    record(history, make_run(failed(report), run_id="three"))

    assert history.baseline(report) == Baseline(100, ("Id", "Größe"), "classic", 900, 5000, 2.5)
    assert history.baselines([report, make_report(1)]) == {0: history.baseline(report)}


def test_baseline_follows_the_template_when_the_name_holds_a_date(history: History) -> None:
    """Today's file, with today's parameters, has yesterday's as its baseline; another format has none."""
    yesterday = make_report(name="Sales 22", name_template="Sales {run_date:%d}", export_params="?export=1&pv0=22")
    today = replace(yesterday, name="Sales 23", export_params="?export=1&pv0=23", directory="/elsewhere")
    record(history, make_run(saved(yesterday, rows=7)))

    found = history.baseline(today)

    assert found is not None
    assert found.rows == 7
    assert history.baseline(replace(today, format="parquet")) is None


def test_baseline_is_that_of_the_same_parameters_when_a_report_is_listed_twice(history: History) -> None:
    """Two rows that differ in their filters never stand in for each other."""
    europe = make_report(
        0, report_id="00O1V0000000001UA4", name_template="Sales", directory="/eu", export_params="?pv0=eu"
    )
    asia = replace(europe, position=1, directory="/asia", export_params="?pv0=asia")
    record(history, make_run(saved(europe, rows=7)))
    history.begin("two", NOW, [europe, asia])

    assert set(history.baselines([europe, asia])) == {0}


def test_queries_exclude_the_current_run(history: History) -> None:
    """What this run has saved is no baseline, no reason to skip, and no success."""
    report = make_report()
    history.begin("now", NOW, [report])
    history.record_report(saved(report))

    assert history.files(report)  # it is in the file
    assert history.baseline(report) is None
    assert history.resumable(report, NOW, 12) is None
    assert history.trends([report]) == {}
    assert history.last_success_at() is None
    assert len(history.runs(10)) == 1


@pytest.mark.parametrize("status", [Status.SAVED, Status.UNCHANGED, Status.SKIPPED])
def test_row_is_resumable_when_the_latest_run_saved_it(history: History, status: Status) -> None:
    """Everything the summary needs comes back as it was."""
    stats = saved(make_report(), status=status)
    record(history, make_run(stats))

    assert history.resumable(stats.report, NOW + timedelta(hours=11), 12) == stats


@pytest.mark.parametrize(
    "changes", [{"report_id": "00O1V0000000009UA4"}, {"export_params": "?x"}, {"directory": "/y"}, {"format": "jsonl"}]
)
def test_row_is_not_resumable_when_it_has_changed(history: History, changes: dict[str, str]) -> None:
    """Another id, other parameters, another destination, another format: another row."""
    record(history, make_run(saved(make_report())))

    assert history.resumable(make_report(**changes), NOW, 12) is None


def test_row_is_not_resumable_when_the_latest_run_with_it_is_old_or_ended_otherwise(history: History) -> None:
    """Too old, from the future, failed since, or begun since and never finished."""
    old, bad, cut = make_report(0), make_report(1), make_report(2)
    record(history, make_run(saved(old), saved(bad), saved(cut)))
    assert history.resumable(old, NOW + timedelta(hours=13), 12) is None
    assert history.resumable(old, NOW - timedelta(hours=1), 12) is None

    record(history, make_run(failed(bad), run_id="two"))
    history.begin("killed", NOW, [cut])
    history.begin("now", NOW, [old, bad, cut])

    assert history.resumable(bad, NOW, 12) is None
    assert history.resumable(cut, NOW, 12) is None
    assert history.resumable(old, NOW, 12) is not None


def test_finished_reports_are_known_when_the_run_was_killed(path: str) -> None:
    """A run that dies by SIGKILL leaves each report it had finished, and nothing of the others."""
    code = (
        "import os, signal, sys; sys.path[:0] = sys.argv[2:]\n"
        "from test_history import *\n"
        "history = History.open(sys.argv[1])\n"
        "history.begin('one', NOW, [make_report(n) for n in range(3)])\n"
        "history.record_report(saved(make_report(0)))\n"
        "history.record_report(failed(make_report(1)))\n"
        "history.commit_due()\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    found = subprocess.run([sys.executable, "-c", code, path, str(Path(__file__).parent), os.getcwd()], check=False)
    assert found.returncode == -signal.SIGKILL

    with History.open(path, read_only=True) as history:
        (run,) = history.runs(5)
        assert (run.total, run.saved, run.failed, run.exit_code) == (3, 1, 1, None)
        assert history.resumable(make_report(0), NOW, 12) is not None
        assert history.resumable(make_report(2), NOW, 12) is None
        assert "cut off" in render_history(history, None, width=120)


def test_trend_is_oldest_first_and_leaves_skipped_runs_out(history: History) -> None:
    """A curve has one point for each run that tried the report, failed ones with unknown values."""
    report = make_report()
    for number in range(1, 6):
        stats = saved(report, rows=number) if number != 3 else failed(report)
        record(history, make_run(stats, run_id=str(number), exit_code=4 if number == 5 else 0))
    record(history, make_run(saved(report, status=Status.SKIPPED), run_id="resumed", exit_code=4))
    history.begin("now", NOW, [report])

    assert [past.rows for past in history.trends([report], limit=4)[0]] == [2, None, 4, 5]
    assert history.last_success_at() == NOW + timedelta(minutes=1)


def test_last_success_is_that_of_a_whole_list(history: History) -> None:
    """What `--only` selected says nothing of the rest."""
    whole, part = make_report(), make_report(1)
    record(history, make_run(saved(whole), run_id="whole"))
    later = make_run(saved(part), run_id="part", started_at=NOW + timedelta(days=1))
    record(history, replace(later, is_partial=True))

    assert history.last_success_at() == NOW + timedelta(minutes=1)


def test_old_runs_are_forgotten_when_pruned(history: History, path: str) -> None:
    """The last runs stay with their headers; of the others nothing is left."""
    for number in range(6):
        record(history, make_run(saved(make_report(), header=(f"H{number}",)), run_id=str(number)))
    history.prune(2)
    history.close()

    with sqlite3.connect(path) as database:
        counts = [
            database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("runs", "reports", "headers")
        ]
    database.close()
    assert counts == [2, 2, 2]


@pytest.mark.parametrize("content", [b"this is not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_damaged_history_is_moved_aside(path: str, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    """The damaged file is kept under another name, a new one begun, and one warning given."""
    Path(path).parent.mkdir()
    Path(path).write_bytes(content)
    with History.open(path) as history:
        record(history, make_run(saved(make_report())))
        assert len(history.runs(5)) == 1

    (aside,) = Path(path).parent.glob("*.damaged-*")
    assert aside.read_bytes() == content
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_history_damaged_inside_does_not_stop_the_run(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Damage that shows only later is one warning; every method continues and returns nothing."""
    with History.open(path) as history:
        record(history, make_run(*(saved(make_report(n)) for n in range(400))))
    content = bytearray(Path(path).read_bytes())
    content[4096:] = b"\xee" * (len(content) - 4096)
    Path(path).write_bytes(content)

    with History.open(path) as history:
        report = make_report()
        history.begin("two", NOW, [report])
        assert history.baseline(report) is None
        history.record_report(saved(report))
        history.commit_due()
        history.end(make_run(saved(report), run_id="two"))
        history.prune(1)
        assert history.runs(3) == ()
        assert history.resumable(report, NOW, 12) is None
    assert len(caplog.records) == 1


def use(path: str) -> list[int]:
    """Calls every method that a run and `--history` use; returns the rows of the baselines."""
    reports = [make_report(number) for number in range(3)]
    with History.open(path) as history:
        history.begin("now", NOW, reports)
        known = history.baselines(reports)
        history.trends(reports)
        history.last_success_at()
        for report in reports:
            history.resumable(report, NOW, 12)
            history.files(report)
            history.record_report(saved(report))
            history.commit_due()
        render_history(history, None, width=100)
        render_history(history, "*", width=100)
        history.end(make_run(*map(saved, reports), run_id="now"))
        history.prune(1)
    return [baseline.rows or 0 for baseline in known.values()]


def test_run_continues_when_the_history_is_torn(path: str) -> None:
    """Cut at any size, to nothing at all: no method raises, and what is known is what was written."""
    with History.open(path) as history:
        record(history, make_run(*(saved(make_report(number)) for number in range(3))))
    content = Path(path).read_bytes()
    for size_bytes in [0, 1, 99, 100, 101, *range(1000, len(content), 3500), len(content) - 1]:
        Path(path).write_bytes(content[:size_bytes])
        assert use(path) in ([], [100, 100, 100])
        for left in Path(path).parent.iterdir():
            left.unlink()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("reports", "size_bytes", "many"),
        ("reports", "duration_s", float("inf")),
        ("reports", "pulled_at", 2**62),
        ("reports", "message", b"\xff"),
        ("reports", "status", "improved"),
        ("runs", "started_at", b"\xff"),
        ("runs", "finished_at", 1e300),
        ("headers", "labels", "[1, 2]"),
        ("headers", "labels", "not json"),
    ],
)
def test_run_continues_when_the_history_holds_what_no_run_writes(
    path: str, table: str, column: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """A sound database with a damaged value: one warning where it is met, and no history from there on."""
    with History.open(path) as history:
        record(history, make_run(*(saved(make_report(number)) for number in range(3))))
    with sqlite3.connect(path) as database:
        database.execute(f"UPDATE {table} SET {column} = ?", (value,))
    database.close()
    use(path)
    assert len(caplog.records) <= 1


def test_history_is_moved_aside_when_the_message_about_its_damage_is_undecodable(path: str) -> None:
    """Damage that makes SQLite's own error message undecodable."""
    History.open(path).close()
    content = Path(path).read_bytes().replace(b"CREATE TABLE runs", b"CREATE \xff\xffBLE runs")
    Path(path).write_bytes(content)
    with History.open(path, read_only=True) as history:
        assert history.runs(5) == ()
    assert use(path) == []
    assert len(list(Path(path).parent.glob("*.damaged-*"))) == 1


@pytest.mark.parametrize("statement", [f"PRAGMA user_version = {VERSION + 1}", "PRAGMA application_id = 7"])
def test_history_is_left_alone_when_it_is_newer_or_not_ours(
    path: str, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that another program understands better is neither read nor changed."""
    History.open(path).close()
    with sqlite3.connect(path) as database:
        database.execute(statement)
    database.close()
    before = Path(path).read_bytes()

    with History.open(path) as history:
        record(history, make_run(saved(make_report())))
        assert history.runs(5) == ()
    assert Path(path).read_bytes() == before
    assert len(caplog.records) == 1


def test_run_continues_when_another_program_holds_the_history(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """Reports recorded while the file is held are written once it is free."""
    report = make_report()
    with History.open(path) as history:
        history.begin("one", NOW, [report])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        history.record_report(saved(report))
        history.commit_due()
        other.execute("ROLLBACK")
        other.close()
        history.end(make_run(saved(report)))
        assert history.runs(5)[0].saved == 1
    assert not caplog.records


def test_history_is_read_only_when_it_cannot_be_written(caplog: pytest.LogCaptureFixture) -> None:
    """Guards still know the last good run; recording is given up with warnings."""
    report = make_report()
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = str(Path(directory, "history.sqlite3"))
        with History.open(path) as history:
            record(history, make_run(saved(report)))
        os.chmod(path, 0o444)
        os.chmod(directory, 0o555)
        with as_ordinary_user(), History.open(path) as history:
            assert history.baseline(report) is not None
            record(history, make_run(saved(report), run_id="two"))
        os.chmod(directory, 0o755)
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Permissions do not bind root: become nobody for a moment."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


def test_history_is_empty_when_there_is_no_file_to_read(path: str, tmp_path: Path) -> None:
    """`--history` before the first run makes no file; a directory in the file's place is a warning."""
    with History.open(path, read_only=True) as history:
        assert "no runs" in render_history(history, None, width=80)
    assert not Path(path).parent.exists()
    with History.open(str(tmp_path)) as history:
        record(history, make_run(saved(make_report())))
        assert history.runs(5) == ()


def test_history_is_one_private_file_when_it_is_closed(path: str) -> None:
    """No write-ahead log is left beside it, and others may not read it."""
    with History.open(path) as history:
        record(history, make_run(saved(make_report())))
    assert [file.name for file in Path(path).parent.iterdir()] == ["history.sqlite3"]
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_names_that_are_no_text_are_stored(history: History) -> None:
    """An undecodable byte of a path does not break the history."""
    report = make_report(directory="/srv/\udcff", name="\udcff")
    record(history, make_run(saved(report)))
    assert history.recent("*", 5)[0].path == "/srv/\\udcff/\\udcff.csv"


@pytest.mark.parametrize("name", ["Sales 23", "Sales {run_date:%d}", "Sal*", "00O1V0000000000UA4", "00O1V0000000000"])
def test_table_of_a_report_is_found_by_name_id_or_pattern(history: History, name: str) -> None:
    """One row for each run, newest first, with the change of its rows."""
    for day, rows in ((22, 100), (23, 150)):
        report = make_report(name=f"Sales {day}", name_template="Sales {run_date:%d}")
        record(history, make_run(saved(report, rows=rows), saved(make_report(1)), run_id=str(day)))
    text = render_history(history, name, width=100)

    assert len(text.splitlines()) >= 3
    assert "Report 1" not in text
    assert ("+50.0 %" in text) is (name != "Sales 23")


def test_table_of_runs_fits_and_is_ascii_when_required(history: History) -> None:
    """The newest run first; nothing wider than the terminal; no character that the stream lacks."""
    record(history, make_run(saved(make_report()), failed(make_report(1)), exit_code=4))
    record(history, make_run(saved(make_report()), run_id="a-run-with-a-very-long-name-indeed-it-is-very-long"))
    lines = render_history(history, None, width=100, encoding="ascii").splitlines()

    assert max(map(len, lines)) <= 100
    assert all(line.isascii() for line in lines)
    assert len(lines) == 4
    assert lines[3].split()[4:10] == ["s", "4", "1", "0", "0", "1"] or "4" in lines[3]
    assert "The newest" not in render_history(history, "Report 0", width=100)
    assert "No report" in render_history(history, "nothing", width=100)


def test_unknown_name_is_answered_with_the_nearest_one(history: History) -> None:
    """As the list has it, dates not filled in, whatever the case."""
    report = make_report(name="Sales 23", name_template="Sales {run_date:%d}")
    record(history, make_run(saved(report), saved(make_report(1))))

    assert render_history(history, "sale {run_date}", width=None) == (
        "No report in the history has the name or id sale {run_date}; did you mean `Sales {run_date:%d}`?\n"
    )
    assert render_history(history, "nothing", width=None).endswith(" nothing.\n")


def recorded(path: Path, *results: ReportStats, run_id: str = "one", started_at: datetime = NOW) -> None:
    """One earlier run."""
    with History.open(str(path)) as history:
        history.begin(run_id, started_at, [stats.report for stats in results])
        history.end(make_run(*results, run_id=run_id, started_at=started_at))


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({}, True),
        ({"filters": "1=Won"}, False),
        ({"route": "classic"}, False),
        ({"route": "excel"}, False),
        ({"export_params": "?export=2"}, False),
        ({"format": "jsonl"}, False),
        ({"directory": "/srv/other"}, False),
        ({"max_age_h": 3.0}, True),
        ({"footer": "optional"}, True),
    ],
)
def test_row_is_the_same_only_with_its_filters_and_its_route(tmp_path: Path, changes: dict[str, object], is_same: bool):
    """For `--resume` and `max_age_h`; guards and ages do not matter."""
    recorded(tmp_path / "h", saved(make_report()))
    with History.open(str(tmp_path / "h")) as history:
        row = make_report(**changes)

        assert (history.resumable(row, NOW, 12) is not None) is is_same
        assert (history.fetched_since(row, NOW, 12) is not None) is is_same


def test_row_with_filters_is_found_again_by_them(tmp_path: Path):
    """Two rows of one report do not stand in for each other."""
    won, lost = make_report(0, filters="1=Won"), make_report(0, filters="1=Lost")
    recorded(tmp_path / "h", saved(won))
    with History.open(str(tmp_path / "h")) as history:
        assert history.fetched_since(won, NOW, 12) is not None
        assert history.fetched_since(lost, NOW, 12) is None


def test_age_counts_from_the_last_fetch_and_not_from_the_last_skip(tmp_path: Path):
    """A report that is skipped every hour is fetched again in time."""
    path, report = tmp_path / "h", make_report()
    recorded(path, saved(report))
    for hour in (1, 2, 3):
        skipped = replace(saved(report), status=Status.SKIPPED, message="young")
        recorded(path, skipped, run_id=f"skip {hour}", started_at=NOW + timedelta(hours=hour))
    with History.open(str(path)) as history:
        young = history.fetched_since(report, NOW + timedelta(hours=3.9), 4)
        old = history.fetched_since(report, NOW + timedelta(hours=4.1), 4)

    assert young is not None
    assert young.pulled_at == NOW + timedelta(seconds=2)
    assert old is None


def test_failed_run_in_between_does_not_age_a_report(tmp_path: Path):
    """The file of the last good fetch is still in place; one that a destination did not take counts as fetched."""
    path, report = tmp_path / "h", make_report()
    undelivered = replace(saved(report), status=Status.FAILED, error=ErrorKind.DELIVERY)
    recorded(path, undelivered)
    recorded(path, failed(report), run_id="two", started_at=NOW + timedelta(hours=1))
    with History.open(str(path)) as history:
        assert history.fetched_since(report, NOW + timedelta(hours=2), 4) is not None
        assert history.resumable(report, NOW + timedelta(hours=2), 4) is None


def test_report_fetched_before_the_clock_was_set_back_is_fetched_again(tmp_path: Path):
    """A file from the future may have any age."""
    recorded(tmp_path / "h", saved(make_report()))
    with History.open(str(tmp_path / "h")) as history:
        assert history.fetched_since(make_report(), NOW - timedelta(days=1), 12) is None


HISTORY_OF_1_0 = Path(__file__).with_name("history_1_0.sqlite3")


@pytest.fixture
def history_of_1_0(tmp_path: Path) -> Path:
    """A history that SFR 1.0.0 wrote: two runs of five reports, one of which failed."""
    path = tmp_path / "history.sqlite3"
    path.write_bytes(HISTORY_OF_1_0.read_bytes())
    path.chmod(0o600)
    return path


def report_of_1_0(name: str = "Open Pipeline", report_id: str = "00O5g000NLeEvksEYC") -> Report:
    """One of its reports, as this SFR reads the same list."""
    params = "?export=1&enc=UTF-8&xf=csv&isdtp=p1"
    return Report(0, "SFDC", name, report_id, "/srv/sfr/reports", params, name_template=name)


def test_history_of_1_0_is_read_and_migrated(history_of_1_0: Path) -> None:
    """Its runs, its baselines, its files; then it takes the records of this version."""
    report = report_of_1_0()
    with History.open(str(history_of_1_0)) as history:
        assert [run.exit_code for run in history.runs(5)] == [4, 4]
        baseline = history.baseline(report)
        assert baseline is not None
        assert baseline.rows == 5600
        assert history.files(report) == (("/srv/sfr/reports/Open Pipeline.csv", 922895),)
        history.begin("new", NOW, [report])
        history.record_report(saved(replace(report, filters="2=Closed Won")))
    with sqlite3.connect(history_of_1_0) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT filters FROM reports ORDER BY run DESC LIMIT 1").fetchone() == ("2=Closed Won",)
    database.close()


def test_migrated_history_has_the_tables_of_a_new_one(history_of_1_0: Path, tmp_path: Path) -> None:
    """Columns and indexes, whatever their order."""
    History.open(str(history_of_1_0)).close()
    History.open(str(tmp_path / "new.sqlite3")).close()

    def shape(path: Path) -> tuple[set[tuple[str, ...]], dict[str, set[tuple[object, ...]]]]:
        with sqlite3.connect(path) as database:
            indexes = {
                tuple(row) for row in database.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index'")
            }
            columns = {
                table: {row[1:4] for row in database.execute(f"PRAGMA table_info({table})")}
                for table in ("runs", "reports", "headers", "deliveries")
            }
        database.close()
        return indexes, columns

    assert shape(history_of_1_0) == shape(tmp_path / "new.sqlite3")


def test_history_of_1_0_is_shown_without_being_changed(history_of_1_0: Path) -> None:
    """`--history` takes no lock, and so migrates nothing."""
    before = history_of_1_0.read_bytes()
    with History.open(str(history_of_1_0), read_only=True) as history:
        assert len(history.recent("Open Pipeline", 5)) == 2

    assert history_of_1_0.read_bytes() == before


def test_two_programs_migrate_at_once(history_of_1_0: Path) -> None:
    """The second one finds the work done."""
    first, second = History.open(str(history_of_1_0)), History.open(str(history_of_1_0))
    with first, second:
        assert len(first.runs(5)) == len(second.runs(5)) == 2


def test_good_runs_are_found_by_index(tmp_path: Path) -> None:
    """20,000 reports take seconds only with one."""
    path = tmp_path / "history.sqlite3"
    History.open(str(path)).close()
    with sqlite3.connect(path) as database:
        plan = database.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM reports WHERE series = x'00' AND run != 1 AND {GOOD} "
            "ORDER BY run DESC LIMIT 1"
        ).fetchall()
    database.close()

    assert "good_by_series" in str(plan)


def test_failed_delivery_is_a_good_run_of_its_report(tmp_path: Path) -> None:
    """Its file is proved and in place: for guards, --resume and retention."""
    report = make_report()
    failed_delivery = saved(report, status=Status.FAILED, error=ErrorKind.DELIVERY)
    with History.open(str(tmp_path / "history.sqlite3")) as history:
        history.begin("one", NOW, [report])
        history.record_report(failed_delivery)
        history.end(make_run(failed_delivery))

        assert history.baseline(report) is not None
        assert history.resumable(report, NOW, 12.0) is not None
        assert history.files(report)


def test_delivered_content_is_known_until_something_else_is_delivered_there(tmp_path: Path) -> None:
    """By the same settings or by others; rows of another date stay known."""
    content = DeliveredContent(b"digest", "file:///share/a.csv")
    day = DeliveredContent(b"digest", "sqlite:///r.db/a", "2026-11-28")
    with History.open(str(tmp_path / "history.sqlite3")) as history:
        history.begin("one", NOW, [make_report()])
        for each in (content, day):
            history.end_delivery(each, "aa")
            assert history.is_delivered(each, "aa")
            assert not history.is_delivered(each, "bb")
        history.begin_delivery(DeliveredContent(b"other settings", content.target))
        history.begin_delivery(replace(day, sfr_date="2026-11-29"))

        assert not history.is_delivered(content, "aa")
        assert history.is_delivered(day, "aa")


def test_deliveries_are_forgotten_with_the_runs_that_saw_them(tmp_path: Path) -> None:
    """Targets with dates do not fill the history for ever."""
    seen, unseen = DeliveredContent(b"digest", "file:///a"), DeliveredContent(b"digest", "file:///b")
    report = make_report()
    with History.open(str(tmp_path / "history.sqlite3")) as history:
        for number in range(3):
            history.begin(f"run {number}", NOW, [report])
            for each in (seen, unseen) if number == 0 else ():
                history.end_delivery(each, "aa")
            assert history.is_delivered(seen, "aa")
            history.end(make_run(saved(report), run_id=f"run {number}"))
        history.prune(2)
        history.begin("last", NOW, [report])

        assert history.is_delivered(seen, "aa")
        assert not history.is_delivered(unseen, "aa")


def test_delivery_that_ends_while_another_program_has_locked_the_history_is_recorded_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that takes long costs no second delivery, and the history stays in use."""
    monkeypatch.setattr("sfr.history.file.LOCK_WAIT_S", 0.01)
    path, content = tmp_path / "history.sqlite3", DeliveredContent(b"digest", "file:///a")
    with History.open(str(path)) as history:
        history.begin("run", NOW, [make_report()])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        history.end_delivery(content, "aa")
        assert not history.is_delivered(content, "aa")
        other.execute("ROLLBACK")
        other.close()
        history.end(make_run(saved(make_report()), run_id="run"))
        history.begin("next", NOW, [make_report()])

        assert history.is_delivered(content, "aa")
