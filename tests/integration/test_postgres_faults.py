"""What happens between SFR and a PostgreSQL that fails: never a part, never a lost row, never a doubled one."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sfr.destinations import base, postgres, postgres_errors
from sfr.errors import DeliveryError
from tests.deliveries import Tables, attempt, csv_text, proved
from tests.ports import refusing_port
from tests.postgres_server import PostgresServer, postgres_server

OLD, NEW = csv_text(("A",), ("old",)), csv_text(("A",), *((f"new {row}",) for row in range(200_000)))


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One for all tests of the module."""
    with postgres_server() as running:
        yield running


@pytest.fixture
def tables(server: PostgresServer, tmp_path: Path) -> Tables:
    """A table with one old row."""
    found = Tables("postgres", {"url": server.url})
    found.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
    found.destination().deliver(proved(tmp_path, OLD, 1), attempt())
    return found


def failure(tables: Tables, directory: Path, **settings: Any) -> DeliveryError:
    """How a delivery of the new rows fails."""
    with pytest.raises(DeliveryError) as caught:
        tables.destination(**settings).deliver(proved(directory, NEW, 200_000), attempt())
    return caught.value


def test_server_that_is_down_is_unreachable_and_worth_another_attempt(tmp_path: Path) -> None:
    """It says what was tried."""
    with refusing_port() as port:
        error = failure(Tables("postgres", {"url": f"postgresql://sfr:x@127.0.0.1:{port}/postgres"}), tmp_path)

    assert (error.is_transient, error.is_unreachable) == (True, True)
    assert "refused" in str(error)


def test_wrong_password_is_refused_once_and_for_all(tables: Tables, server: PostgresServer, tmp_path: Path) -> None:
    """No second attempt, and no password in the message."""
    error = failure(tables, tmp_path, url=server.url.replace("5up3r", "wr0ng"))

    assert (error.is_transient, error.is_unreachable) == (False, True)
    assert "authentication failed" in str(error)
    assert "wr0ng" not in str(error)


def test_server_that_accepts_and_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    """`connect_timeout_s` bounds it."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        tables = Tables("postgres", {"url": f"postgresql://sfr:x@127.0.0.1:{listening.getsockname()[1]}/postgres"})
        begun = time.monotonic()
        error = failure(tables, tmp_path)

    assert error.is_unreachable
    assert time.monotonic() - begun < 30


def _terminate_others(tables: Tables) -> int:
    with closing(tables.connect()) as database:
        found = database.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'sfr' AND pid <> pg_backend_pid()"
        ).fetchone()
        return int(found[0])


def _at_block(monkeypatch: pytest.MonkeyPatch, action: Any) -> None:
    """Run the action once, in the midst of COPY."""
    real, done = base.proved_blocks, []

    def blocks(file: Any, running: Any) -> Iterator[bytes]:
        for number, block in enumerate(real(file, running)):
            if number == 3 and len(done) < 1:
                done.append(True)
                action()
            yield block

    monkeypatch.setattr("sfr.destinations.csv_file.proved_blocks", blocks)


def test_connection_lost_during_copy_leaves_the_old_rows(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """And the next attempt delivers the new ones, each once. psycopg adds nothing of its own to the log."""
    _at_block(monkeypatch, lambda: _terminate_others(tables))
    error = failure(tables, tmp_path)

    assert (error.is_transient, error.is_unreachable) == (True, True)
    assert [record for record in caplog.records if record.name == "psycopg"] == []
    assert tables.rows("open_pipeline") == [("old",)]
    tables.destination().deliver(proved(tmp_path, NEW, 200_000), attempt())
    assert len(tables.rows("open_pipeline")) == 200_000


def test_server_killed_during_copy_comes_back_with_the_old_rows(
    tables: Tables, server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a crash of the machine."""
    _at_block(monkeypatch, server.stop)
    try:
        error = failure(tables, tmp_path)
    finally:
        server.start()

    assert error.is_unreachable
    assert tables.rows("open_pipeline") == [("old",)]


def test_table_locked_by_another_transaction_is_waited_for_then_given_up(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded, worth another attempt, and no sign that the server is down."""
    for module in (postgres, postgres_errors):
        monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.5)
    with closing(tables.connect()) as other:
        other.execute("LOCK TABLE open_pipeline IN ACCESS EXCLUSIVE MODE")
        error = failure(tables, tmp_path)
        other.rollback()

    assert (error.is_transient, error.is_unreachable) == (True, False)
    assert "locked" in str(error)
    assert tables.rows("open_pipeline") == [("old",)]


def test_delivery_is_cut_while_the_server_works(tables: Tables, tmp_path: Path) -> None:
    """A stop signal does not wait for a statement; the server gives up as well."""
    with closing(tables.connect()) as other:
        other.execute("LOCK TABLE open_pipeline IN ACCESS EXCLUSIVE MODE")
        running, errors = attempt(), []

        def deliver() -> None:
            try:
                tables.destination().deliver(proved(tmp_path, NEW, 200_000), running)
            except DeliveryError as error:
                errors.append(error)

        thread = threading.Thread(target=deliver)
        thread.start()
        _await_waiting(tables)
        running.cancel(DeliveryError("stopped"))
        thread.join(10)
        assert not thread.is_alive()
        other.rollback()

    assert len(errors) == 1
    assert tables.rows("open_pipeline") == [("old",)]


def test_role_without_rights_gets_an_error_that_says_so(tables: Tables, server: PostgresServer, tmp_path: Path) -> None:
    """What the server says is quoted; it is no reason for another attempt."""
    tables.execute("DROP ROLE IF EXISTS reader", "CREATE ROLE reader LOGIN PASSWORD 'r'")
    url = server.url.replace("sfr:pg-canary-5up3r", "reader:r")
    error = failure(tables, tmp_path, url=url)

    assert "permission denied" in str(error)
    assert not error.is_transient
    tables.execute("DROP ROLE reader")


def test_missing_schema_is_named_by_check_and_delivery(tables: Tables, tmp_path: Path) -> None:
    """SFR makes no schemas."""
    with pytest.raises(DeliveryError, match="`nowhere`"):
        tables.destination(schema="nowhere").check()
    assert "`nowhere`" in str(failure(tables, tmp_path, schema="nowhere"))


def test_trigger_that_drops_rows_is_noticed(tables: Tables, tmp_path: Path) -> None:
    """The database counts other rows than it was given."""
    tables.execute(
        "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER skip BEFORE INSERT ON open_pipeline FOR EACH ROW EXECUTE FUNCTION skip()",
    )
    assert "trigger" in str(failure(tables, tmp_path))
    with psycopg.connect(tables.settings["url"]) as database:
        database.execute("DROP TRIGGER skip ON open_pipeline")
        database.execute("DROP FUNCTION skip")
    assert tables.rows("open_pipeline") == [("old",)]


def test_server_that_falls_silent_during_copy_is_given_up_as_idle(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process is stopped, its connection stays open: only `idle_timeout_s` ends the attempt."""
    stopped: list[int] = []

    def stop() -> None:
        with closing(tables.connect()) as database:
            pid = database.execute(
                "SELECT pid FROM pg_stat_activity WHERE application_name = 'sfr' AND pid <> pg_backend_pid()"
            ).fetchone()[0]
        os.kill(pid, signal.SIGSTOP)
        stopped.append(pid)

    _at_block(monkeypatch, stop)
    running = attempt(idle_timeout_s=1.0)
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            running.watch()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with pytest.raises(DeliveryError):
            tables.destination().deliver(proved(tmp_path, NEW, 200_000), running)
    finally:
        ended.set()
        watcher.join()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)

    assert running.cancelled is not None
    assert "no progress for 1 s" in str(running.cancelled)
    assert tables.rows("open_pipeline") == [("old",)]


@pytest.mark.parametrize("settings", [{}, {"mode": "append"}, {"mode": "merge", "key": ("A",)}])
def test_two_runs_that_deliver_to_one_table_take_turns(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """Each row once, as if one run had come after the other: the second does not see a part of the first."""
    content = csv_text(("A",), *((f"new {row}",) for row in range(5_000)))
    barrier, real = threading.Barrier(2, timeout=30), postgres.Postgres._plan
    errors: list[DeliveryError] = []

    def plan(*values: Any) -> Any:
        if len(waited) < 1:  # the first to hold the table continues once the other is waiting for it
            waited.append(True)
            _await_waiting(tables)
        return real(*values)

    def deliver(directory: Path) -> None:
        barrier.wait()
        try:
            tables.destination(**settings).deliver(proved(directory, content, 5_000), attempt())
        except DeliveryError as error:
            errors.append(error)

    waited: list[bool] = []
    monkeypatch.setattr(postgres.Postgres, "_plan", plan)
    threads = [threading.Thread(target=deliver, args=(tmp_path / name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    expected = 5_000 if not settings else 5_001  # `replace` removes the old row
    assert len(tables.rows("open_pipeline", "a")) == expected


def _await_waiting(tables: Tables) -> None:
    """Until a delivery waits for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sfr' AND wait_event_type = 'Lock'"
    with closing(tables.connect()) as watcher:
        watcher.autocommit = True
        deadline = time.monotonic() + 30
        while not watcher.execute(waiting).fetchone()[0]:
            assert time.monotonic() < deadline


def test_schema_that_the_role_may_not_use_is_named_by_check(tables: Tables, server: PostgresServer) -> None:
    """`--check` says which right is missing, before the first night."""
    tables.execute("CREATE SCHEMA closed", "DROP ROLE IF EXISTS visitor", "CREATE ROLE visitor LOGIN PASSWORD 'v'")
    url = server.url.replace("sfr:pg-canary-5up3r", "visitor:v")
    try:
        with pytest.raises(DeliveryError, match='GRANT USAGE, CREATE ON SCHEMA "closed" TO "visitor"'):
            tables.destination(url=url, schema="closed").check()
    finally:
        tables.execute("DROP SCHEMA closed", "DROP ROLE visitor")
