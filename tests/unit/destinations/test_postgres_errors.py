"""Which errors of PostgreSQL are worth another attempt, and which concern the server as a whole."""

from __future__ import annotations

import psycopg
import pytest

from sfr.destinations.postgres_errors import connect_error, translated
from sfr.errors import DeliveryError


@pytest.mark.parametrize(
    ("text", "is_transient"),
    [
        ('connection failed: FATAL:  password authentication failed for user "sfr"', False),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1"', False),
        ('connection failed: FATAL:  database "sales" does not exist', False),
        ('connection failed: FATAL:  role "sfr" is not permitted to log in', False),
        ("connection failed: FATAL:  the database system is starting up", True),
        ("connection failed: FATAL:  the database system is shutting down", True),
        ("connection failed: FATAL:  sorry, too many clients already", True),
        ("connection is bad: Name or service not known", True),
        ("connection timeout expired", True),
    ],
)
def test_refused_log_in_is_not_tried_again_and_all_else_is(text: str, is_transient: bool) -> None:
    """Every one of them opens the circuit breaker in the end."""
    error = connect_error(psycopg.OperationalError(text))

    assert (error.is_transient, error.is_unreachable) == (is_transient, True)


@pytest.mark.parametrize(
    ("kind", "is_transient", "is_unreachable"),
    [
        (psycopg.errors.LockNotAvailable, True, False),
        (psycopg.errors.DeadlockDetected, True, False),
        (psycopg.errors.SerializationFailure, True, False),
        (psycopg.errors.DiskFull, True, False),
        (psycopg.errors.QueryCanceled, True, True),
        (psycopg.errors.AdminShutdown, True, True),
        (psycopg.errors.CrashShutdown, True, True),
        (psycopg.errors.ConnectionFailure, True, True),
        (psycopg.OperationalError, True, True),
        (psycopg.errors.UndefinedColumn, False, False),
        (psycopg.errors.InsufficientPrivilege, False, False),
        (psycopg.errors.NumericValueOutOfRange, False, False),
    ],
)
def test_error_of_a_statement_is_classed_by_its_sqlstate(
    kind: type[psycopg.Error], is_transient: bool, is_unreachable: bool
) -> None:
    """A report that the table cannot take says nothing about the server."""
    with pytest.raises(DeliveryError) as caught, translated():
        raise kind("x" * 500)

    assert (caught.value.is_transient, caught.value.is_unreachable) == (is_transient, is_unreachable)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "connection failed: connection to server failed: refused\n\tIs it running?\n",
            "connection to server failed: refused Is it running?",
        ),
        ("connection timeout expired", "connection timeout expired."),
        ("too many clients.", "too many clients."),
    ],
)
def test_what_the_server_said_is_one_sentence(text: str, expected: str) -> None:
    """On one line, without psycopg's own beginning, and with one mark at its end."""
    assert str(connect_error(psycopg.OperationalError(text))) == f"PostgreSQL cannot be reached: {expected}"
