"""Every database kind against a real one: the same files must give the same tables."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sfr.errors import DeliveryError
from tests.deliveries import Tables, attempt, csv_text, proved
from tests.postgres_server import PostgresServer, postgres_server

DATABASES = ("postgres", "duckdb", "sqlite")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests of the module."""
    with postgres_server() as running:
        yield running


@pytest.fixture(params=DATABASES)
def tables(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tables]:
    """A database without tables."""
    if request.param != "postgres":
        yield Tables(request.param, {"path": str(tmp_path / "db" / f"reports.{request.param}")})
        (tmp_path / "db").mkdir(exist_ok=True)
        return
    running: PostgresServer = request.getfixturevalue("server")
    found = Tables("postgres", {"url": running.url})
    found.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    yield found


def deliver(tables: Tables, directory: Path, content: bytes, rows: int | None = None, **changes: Any) -> str:
    """Deliver a report with this content; the warning."""
    settings = {name: changes.pop(name) for name in ("mode", "key", "columns") if name in changes}
    file = proved(directory, content, rows, **changes)
    return tables.destination(**settings).deliver(file, attempt()).message


def refusal(tables: Tables, directory: Path, content: bytes, rows: int | None = None, **changes: Any) -> str:
    """Why a report with this content is not delivered."""
    with pytest.raises(DeliveryError) as caught:
        deliver(tables, directory, content, rows, **changes)
    assert not caught.value.is_unreachable
    return str(caught.value)


FIRST = csv_text(("Account Name", "Close Date", ""), ("Ärzte", "2026-01-31", ""), ('He said "no"\nthen', "", "x"))


@pytest.mark.parametrize("format_name", ["csv", "csv.gz"])
def test_replace_makes_the_table_and_holds_exactly_the_rows(tables: Tables, tmp_path: Path, format_name: str) -> None:
    """Snake-case names of columns and table, texts as they are, an empty cell is an empty text."""
    assert deliver(tables, tmp_path, FIRST, 2, format=format_name) == ""

    assert tables.columns("open_pipeline") == ["account_name", "close_date", "column_3"]
    assert tables.rows("open_pipeline") == [('He said "no"\nthen', "", "x"), ("Ärzte", "2026-01-31", "")]


def test_replace_takes_the_place_of_the_old_rows_when_repeated(tables: Tables, tmp_path: Path) -> None:
    """The table itself stays, with a view on it."""
    deliver(tables, tmp_path, FIRST, 2)
    tables.execute("CREATE VIEW names AS SELECT account_name FROM open_pipeline")

    deliver(tables, tmp_path, csv_text(("Account Name", "Close Date", ""), ("New", "", "")), 1)
    deliver(tables, tmp_path, csv_text(("Account Name", "Close Date", ""), ("New", "", "")), 1)

    assert tables.rows("names") == [("New",)]


def test_replace_empties_the_table_when_the_report_has_no_rows(tables: Tables, tmp_path: Path) -> None:
    """Zero rows are rows, too."""
    deliver(tables, tmp_path, FIRST, 2)
    deliver(tables, tmp_path, csv_text(("Account Name", "Close Date", "")), 0)

    assert tables.rows("open_pipeline") == []


@pytest.mark.parametrize(
    "content",
    [
        b'"A","B"\n"1","2"\n\n"3","4"\n',
        b'"A","B"\r\n"1","2"\n"3","4"\n',
        b'A,B\n1,2\n3,"4"\n',
        b'"A","B"\n"1","2"\n3,4\n',
        b'"A";"B"\n"1";"2"\n"3";"4"\n',
        b'\xef\xbb\xbf"A","B"\n"1","2"\n"3","4"\n',
        b'"A","B"\r\n"1","2"\r\n"3","4"\r\n',
        b'"A","B"\n"1","2"\n"3","4"\n\n',
    ],
)
def test_rows_are_those_of_csv_whatever_the_dialect(tables: Tables, tmp_path: Path, content: bytes) -> None:
    """Blank lines, mixed line ends, missing quotes, other delimiters, a byte order mark."""
    deliver(tables, tmp_path, content, 2)

    assert tables.rows("open_pipeline", "a, b") == [("1", "2"), ("3", "4")]


def test_cells_are_exact_when_they_look_like_syntax(tables: Tables, tmp_path: Path) -> None:
    r"""`\.`, NULL, backslashes, quotes, line ends of every kind, percent signs, letters of any script."""
    cells = ["\\.", "x\n\\.\ny", "NULL", "\\N", "a\\tb", '""', "a\r\nb", "a\rb", "%s", "ß漢字😀", " x ", "'", "\t"]
    deliver(tables, tmp_path, csv_text(("Text",), *((cell,) for cell in cells)), len(cells))

    assert {row[0] for row in tables.rows("open_pipeline")} == set(cells)


def test_text_is_decoded_by_the_encoding_of_the_export(tables: Tables, tmp_path: Path) -> None:
    """What the database stores is text, not bytes."""
    for encoding in ("iso8859-1", "shift_jis"):
        text = '"Größe"\n"ä"\n' if encoding == "iso8859-1" else '"名前"\n"商談"\n'
        deliver(tables, tmp_path, text.encode(encoding), 1, encoding=encoding, table=encoding[:3])

    assert tables.rows("iso", '"größe"') == [("ä",)]
    assert tables.rows("shi", '"名前"') == [("商談",)]


def test_append_keeps_other_days_and_replaces_its_own(tables: Tables, tmp_path: Path) -> None:
    """A second delivery on the same date takes the place of that date's rows."""
    from datetime import timedelta

    from tests.deliveries import NOW

    header = ("Name",)
    deliver(tables, tmp_path, csv_text(header, ("a",)), 1, mode="append", at=NOW)
    deliver(tables, tmp_path, csv_text(header, ("b",)), 1, mode="append", at=NOW + timedelta(days=1))
    deliver(tables, tmp_path, csv_text(header, ("c",), ("d",)), 2, mode="append", at=NOW)

    assert tables.rows("open_pipeline", "sfr_date, name") == [
        ("2026-11-28", "c"),
        ("2026-11-28", "d"),
        ("2026-11-29", "b"),
    ]


def test_append_refuses_a_report_with_its_own_date_column(tables: Tables, tmp_path: Path) -> None:
    """Two columns of one name cannot be."""
    assert "sfr_date" in refusal(tables, tmp_path, csv_text(("SFR Date",), ("x",)), 1, mode="append")


def test_merge_updates_inserts_and_deletes_nothing(tables: Tables, tmp_path: Path) -> None:
    """Keys are given as labels or as names."""
    deliver(tables, tmp_path, csv_text(("Id", "Name"), ("1", "a"), ("2", "b")), 2, mode="merge", key=("Id",))
    deliver(tables, tmp_path, csv_text(("Id", "Name"), ("2", "B"), ("3", "c")), 2, mode="merge", key=("id",))

    assert tables.rows("open_pipeline") == [("1", "a"), ("2", "B"), ("3", "c")]


def test_merge_into_a_table_whose_statistics_are_known_takes_no_quadratic_time(tables: Tables, tmp_path: Path) -> None:
    """As PostgreSQL's autovacuum makes them within a minute: from then on its plans are others."""
    records = [(f"{number:09}", "x") for number in range(20_000)]
    file = proved(tmp_path, csv_text(("Id", "Name"), *records), len(records))
    merge = tables.destination(mode="merge", key=("Id",))
    for _ in range(2):
        merge.deliver(file, attempt(timeout_s=20.0))
        tables.execute("ANALYZE")

    assert tables.rows("open_pipeline") == records


def test_merge_leaves_absent_columns_of_untouched_rows(tables: Tables, tmp_path: Path) -> None:
    """A column that the report no longer has: NULL in new and updated rows, as it was in untouched ones."""
    deliver(tables, tmp_path, csv_text(("Id", "Old"), ("1", "x"), ("2", "y")), 2, mode="merge", key=("Id",))
    warning = deliver(tables, tmp_path, csv_text(("Id", "New"), ("2", "n"), ("3", "m")), 2, mode="merge", key=("Id",))

    assert "`old`" in warning
    assert tables.rows("open_pipeline", "id, old, new") == [("1", "x", None), ("2", None, "n"), ("3", None, "m")]


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ((("Id", "A"), ("", "x")), "empty key"),
        ((("Id", "A"), ("1", "x"), ("1", "y")), "comes twice"),
        ((("A", "B"), ("1", "x")), "not among"),
    ],
)
def test_merge_refuses_keys_that_identify_no_row(
    tables: Tables, tmp_path: Path, records: tuple[tuple[str, ...], ...], expected: str
) -> None:
    """Empty, double, or missing."""
    assert expected in refusal(tables, tmp_path, csv_text(*records), len(records) - 1, mode="merge", key=("Id",))


def test_merge_refuses_keys_that_are_one_key_in_the_tables_type(tables: Tables, tmp_path: Path) -> None:
    """`1` and `01` are the same integer: neither two rows nor the later of them."""
    tables.destination().deliver(proved(tmp_path, csv_text(("X",), ("1",)), 1, table="other"), attempt())
    tables.execute(
        "CREATE TABLE open_pipeline (id INTEGER, a TEXT)", "INSERT INTO open_pipeline VALUES (1, 'old'), (1, 'older')"
    )
    merge = {"mode": "merge", "key": ("Id",)}

    for keys in (("1", "01"), ("7", "07")):
        assert "comes twice" in refusal(
            tables, tmp_path, csv_text(("Id", "A"), *((key, "x") for key in keys)), 2, **merge
        )

    assert tables.rows("open_pipeline") == [(1, "old"), (1, "older")]
    deliver(tables, tmp_path, csv_text(("Id", "A"), ("1", "x"), ("7", "y")), 2, **merge)
    assert tables.rows("open_pipeline") == [(1, "x"), (1, "x"), (7, "y")]


@pytest.mark.parametrize(
    ("column", "old", "same"),
    [
        ("citext", "a", "A"),
        ("char(5)", "a", "a "),
        ("name", "a" * 63, "a" * 64),
        ('text COLLATE "any_case"', "a", "A"),
    ],
    ids=["citext", "char", "name", "collation"],
)
def test_merge_finds_keys_as_the_column_of_postgres_compares_them(
    server: PostgresServer, tmp_path: Path, column: str, old: str, same: str
) -> None:
    """Compared as texts, a row would get a second one beside it with the same key."""
    tables = Tables("postgres", {"url": server.url})
    tables.execute(
        "DROP SCHEMA public CASCADE",
        "CREATE SCHEMA public",
        "CREATE EXTENSION citext",
        "CREATE COLLATION any_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        f"CREATE TABLE open_pipeline (id {column}, a text)",
        f"INSERT INTO open_pipeline VALUES ('{old}', 'old'), ('b', 'other')",
    )
    merge = {"mode": "merge", "key": ("Id",)}

    deliver(tables, tmp_path, csv_text(("Id", "A"), (same, "new"), ("c", "third")), 2, **merge)

    assert tables.rows("open_pipeline", "a") == [("new",), ("other",), ("third",)]
    records = ((old, "x"), (same, "y"))
    assert "comes twice" in refusal(tables, tmp_path, csv_text(("Id", "A"), *records), 2, **merge)
    assert tables.rows("open_pipeline", "a") == [("new",), ("other",), ("third",)]


@pytest.mark.parametrize("mode", ["replace", "append"])
def test_rows_that_the_table_drops_after_their_insertion_roll_back(tmp_path: Path, mode: str) -> None:
    """A constraint that replaces rows: they count as inserted, but the table does not hold them."""
    tables = Tables("sqlite", {"path": str(tmp_path / "reports.sqlite3")})
    tables.execute(
        "CREATE TABLE open_pipeline (a TEXT UNIQUE ON CONFLICT REPLACE, sfr_date TEXT)",
        "INSERT INTO open_pipeline VALUES ('old', '2026-01-01')",
    )

    message = refusal(tables, tmp_path, csv_text(("A",), ("x",), ("x",)), 2, mode=mode)

    assert "1 new rows instead of 2" in message
    assert tables.rows("open_pipeline") == [("old", "2026-01-01")]


def test_new_column_is_added_and_a_lost_one_stays_with_a_warning(tables: Tables, tmp_path: Path) -> None:
    """The table grows with the report, and never shrinks."""
    deliver(tables, tmp_path, csv_text(("A", "B"), ("1", "2")), 1)
    warning = deliver(tables, tmp_path, csv_text(("A", "C"), ("3", "4")), 1)

    assert "`b`" in warning
    assert tables.rows("open_pipeline", "a, b, c") == [("3", None, "4")]


def test_typed_columns_get_cast_values_and_empty_is_null(tables: Tables, tmp_path: Path) -> None:
    """A table that somebody made with types."""
    tables.destination().deliver(proved(tmp_path, csv_text(("X",), ("1",)), 1, table="other"), attempt())
    tables.execute("CREATE TABLE open_pipeline (amount INTEGER, price DOUBLE PRECISION, name VARCHAR(20))")

    deliver(tables, tmp_path, csv_text(("Amount", "Price", "Name"), ("12", "1.5", "007"), ("", "", "")), 2)

    assert tables.rows("open_pipeline") == [(12, 1.5, "007"), (None, None, "")]


def test_failed_cast_names_the_column_and_changes_nothing(tables: Tables, tmp_path: Path) -> None:
    """The old rows stay."""
    tables.destination().deliver(proved(tmp_path, csv_text(("X",), ("1",)), 1, table="other"), attempt())
    tables.execute(
        "CREATE TABLE open_pipeline (name TEXT, amount INTEGER)", "INSERT INTO open_pipeline VALUES ('a', 1)"
    )

    message = refusal(tables, tmp_path, csv_text(("Name", "Amount"), ("b", "2"), ("c", "n/a")), 2)

    assert "amount" in message
    assert "n/a" in message
    assert tables.rows("open_pipeline") == [("a", 1)]


@pytest.mark.parametrize("content", [b'"A","B"\n"1","2"\n"3"\n', b'"A","B"\n"1","2"\n"3","4","5"\n', b"A,B\n1,2\n3\n"])
def test_ragged_row_is_named_and_nothing_changes(tables: Tables, tmp_path: Path, content: bytes) -> None:
    """The database's own message has only a line."""
    deliver(tables, tmp_path, csv_text(("A", "B"), ("old", "old")), 1)

    assert "Row 2 has" in refusal(tables, tmp_path, content, 2)
    assert tables.rows("open_pipeline") == [("old", "old")]


def test_undecodable_text_is_named(tables: Tables, tmp_path: Path) -> None:
    """No replacement characters in a database."""
    assert "not valid utf-8" in refusal(tables, tmp_path, b'"A"\n"\xff"\n', 1)


def test_other_row_count_rolls_back(tables: Tables, tmp_path: Path) -> None:
    """What the database counts has to be what the report has."""
    deliver(tables, tmp_path, csv_text(("A",), ("old",)), 1)

    assert "counts 2 rows" in refusal(tables, tmp_path, csv_text(("A",), ("1",), ("2",)), 3)
    assert tables.rows("open_pipeline") == [("old",)]


def test_changed_file_is_never_published(tables: Tables, tmp_path: Path) -> None:
    """Another program wrote to the report file after it was proved."""
    deliver(tables, tmp_path, csv_text(("A",), ("old",)), 1)
    file = proved(tmp_path, csv_text(("A",), ("new",)), 1)
    Path(file.path).write_bytes(csv_text(("A",), ("odd",)))

    with pytest.raises(DeliveryError, match="changed by another program"):
        tables.destination().deliver(file, attempt())
    assert tables.rows("open_pipeline") == [("old",)]


def test_duplicate_and_long_labels_get_unique_names(tables: Tables, tmp_path: Path) -> None:
    """Names are unique without regard to case, and no longer than PostgreSQL takes."""
    long = "A label that is much longer than any name that PostgreSQL would take without cutting it"
    deliver(tables, tmp_path, csv_text(("Name", "NAME", "", "", long, f"{long}!"), tuple("abcdef")), 1)

    names = tables.columns("open_pipeline")
    assert names[:4] == ["name", "name_2", "column_3", "column_4"]
    assert len({name.casefold() for name in names}) == 6
    assert max(len(name.encode()) for name in names) <= 63


def test_labels_are_kept_when_configured(tables: Tables, tmp_path: Path) -> None:
    """Quotes, percent signs and blanks are no problem for a quoted name."""
    labels = ("Close Date", 'Say "x" %s', "name", "NAME")
    deliver(tables, tmp_path, csv_text(labels, tuple("abcd")), 1, columns="labels")
    deliver(tables, tmp_path, csv_text(labels, tuple("abcd")), 1, columns="labels", mode="append")

    assert tables.columns("open_pipeline") == ["Close Date", 'Say "x" %s', "name", "NAME_2", "sfr_date"]


def test_too_many_columns_are_refused_saying_how_many_fit(tables: Tables, tmp_path: Path) -> None:
    """2,000 columns: PostgreSQL takes 1,600, and DuckDB fewer than that within its memory limit."""
    content = csv_text([f"c{number}" for number in range(2000)], ["x"] * 2000)
    if tables.kind == "postgres":
        assert "1,600" in refusal(tables, tmp_path, content, 1)
        return
    if tables.kind == "duckdb":
        assert "256MB" in refusal(tables, tmp_path, content, 1)
        return
    deliver(tables, tmp_path, content, 1)
    assert len(tables.columns("open_pipeline")) == 2000


def test_nul_is_refused_naming_the_row_where_the_database_has_none(tables: Tables, tmp_path: Path) -> None:
    """PostgreSQL has no NUL in texts; the others keep it."""
    content = csv_text(("A", "B"), ("x", "y"), ("a\0b", "z"))
    if tables.kind == "postgres":
        assert "Row 2" in refusal(tables, tmp_path, content, 2)
        return
    deliver(tables, tmp_path, content, 2)
    assert ("a\0b", "z") in tables.rows("open_pipeline")


def test_view_in_place_of_the_table_is_refused(tables: Tables, tmp_path: Path) -> None:
    """SFR writes to tables."""
    tables.destination().deliver(proved(tmp_path, csv_text(("X",), ("1",)), 1, table="other"), attempt())
    tables.execute("CREATE VIEW open_pipeline AS SELECT 1 AS a")

    assert "view" in refusal(tables, tmp_path, csv_text(("A",), ("1",)), 1)


def test_check_and_probe_leave_nothing_behind(tables: Tables, tmp_path: Path) -> None:
    """Before and after there is a database."""
    tables.destination().check()
    deliver(tables, tmp_path, FIRST, 2)
    tables.destination().check()
    tables.destination().probe()

    with pytest.raises(Exception, match="sfr_probe"):
        tables.rows("sfr_probe")


def test_reader_sees_old_or_new_rows_never_a_part(tables: Tables, tmp_path: Path) -> None:
    """Somebody polls the table while it is replaced again and again."""
    if tables.kind == "duckdb":
        pytest.skip("DuckDB shuts other readers out while SFR loads")
    contents = [csv_text(("N",), *((f"{letter}{row}",) for row in range(2000))) for letter in "ab"]
    deliver(tables, tmp_path, contents[0], 2000)
    stop, seen = threading.Event(), []

    def poll() -> None:
        with closing(tables.connect()) as database:
            while not stop.is_set():
                seen.append(
                    tuple(
                        database.execute(
                            "SELECT count(*), count(DISTINCT substr(n, 1, 1)) FROM open_pipeline"
                        ).fetchone()
                    )
                )
                database.rollback()

    reader = threading.Thread(target=poll)
    reader.start()
    try:
        for turn in range(6):
            deliver(tables, tmp_path, contents[turn % 2], 2000)
    finally:
        stop.set()
        reader.join(30)
    assert set(seen) == {(2000, 1)}


def test_new_sqlite_file_has_the_configured_mode_and_a_write_ahead_log(tmp_path: Path) -> None:
    """So that readers do not wait; no companion file is left."""
    tables = Tables("sqlite", {"path": str(tmp_path / "deep" / "er" / "r.db")})
    deliver(tables, tmp_path, FIRST, 2)

    assert tables.rows("open_pipeline")
    assert Path(tables.settings["path"]).stat().st_mode & 0o777 == 0o640
    with closing(tables.connect()) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert [path.name for path in (tmp_path / "deep" / "er").iterdir()] == ["r.db"]


def test_existing_sqlite_file_keeps_its_journal_mode(tmp_path: Path) -> None:
    """It is somebody else's decision."""
    tables = Tables("sqlite", {"path": str(tmp_path / "r.db")})
    tables.execute("PRAGMA journal_mode = DELETE", "CREATE TABLE mine (x)")
    deliver(tables, tmp_path, FIRST, 2)

    with closing(tables.connect()) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)


HOLD = """
import importlib, sys
database = importlib.import_module(sys.argv[1]).connect(sys.argv[2])
database.execute("CREATE TABLE IF NOT EXISTS mine (x INTEGER)")
database.commit()
if sys.argv[1] == "sqlite3":
    database.execute("INSERT INTO mine VALUES (1)")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize(("kind", "module"), [("sqlite", "sqlite3"), ("duckdb", "duckdb")])
def test_file_locked_by_another_process_is_waited_for_then_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, module: str
) -> None:
    """Worth another attempt, which succeeds once the other one has ended; no sign that the place is down."""
    monkeypatch.setattr(f"sfr.destinations.{kind}.LOCK_TIMEOUT_S", 0.5)
    tables = Tables(kind, {"path": str(tmp_path / f"r.{kind}")})
    command = [sys.executable, "-c", HOLD, module, tables.settings["path"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(DeliveryError) as caught:
            deliver(tables, tmp_path, FIRST, 2)
        holder.communicate(timeout=30)

    assert (caught.value.is_transient, caught.value.is_unreachable) == (True, False)
    deliver(tables, tmp_path, FIRST, 2)
    assert len(tables.rows("open_pipeline")) == 2


@pytest.mark.parametrize("existing", [("Number", "Name"), ("ID Text", "Name")])
def test_merge_refuses_a_table_with_rows_and_without_the_key(
    tables: Tables, tmp_path: Path, existing: tuple[str, ...]
) -> None:
    """None of its rows could be found by a key: all would be there twice."""
    deliver(tables, tmp_path, csv_text(existing, ("1", "a")), 1)
    before = tables.rows("open_pipeline")
    message = refusal(tables, tmp_path, csv_text(("Id", "Name"), ("1", "b")), 1, mode="merge", key=("Id",))

    assert "no column `id`, which is the key" in message
    assert tables.rows("open_pipeline") == before


def test_merge_fills_an_empty_table_without_the_key(tables: Tables, tmp_path: Path) -> None:
    """Nothing is there that could double."""
    deliver(tables, tmp_path, csv_text(("Name",)), 0)
    deliver(tables, tmp_path, csv_text(("Id", "Name"), ("1", "b")), 1, mode="merge", key=("Id",))

    assert tables.rows("open_pipeline", "id, name") == [("1", "b")]


def test_append_warns_of_rows_without_a_date(tables: Tables, tmp_path: Path) -> None:
    """They are of no day, so no delivery takes their place."""
    deliver(tables, tmp_path, csv_text(("Name",), ("old",)), 1)

    assert "no `sfr_date`" in deliver(tables, tmp_path, csv_text(("Name",), ("a",)), 1, mode="append")
    assert deliver(tables, tmp_path, csv_text(("Name",), ("b",)), 1, mode="append") == ""
    assert tables.rows("open_pipeline", "name") == [("b",), ("old",)]


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
@pytest.mark.parametrize("planted", ["named pipe", "directory"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str, planted: str) -> None:
    """Opening a named pipe would wait for another program, and nothing could end that."""
    path = tmp_path / "reports.db"
    os.mkfifo(path) if planted == "named pipe" else path.mkdir()
    found = Tables(kind, {"path": str(path)}).destination()

    for use in (found.check, found.probe, lambda: found.deliver(proved(tmp_path, FIRST), attempt())):
        with pytest.raises(DeliveryError, match="is not a regular file"):
            use()
    assert not path.is_file()
