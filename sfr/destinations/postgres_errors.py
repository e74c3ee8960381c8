"""Turns errors of psycopg into `DeliveryError`: which are transient, and which concern the server as a whole."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import TYPE_CHECKING

from sfr.destinations.base import LOCK_TIMEOUT_S
from sfr.errors import DeliveryError
from sfr.wording import shortened

if TYPE_CHECKING:
    import psycopg

#: SQLSTATE classes (postgresql.org/docs/current/errcodes-appendix.html).
_CONNECTION, _LOG_IN, _RESOURCES, _INTERVENTION = "08", "28", "53", "57"
_LOCK_TIMEOUT, _DEADLOCK, _SERIALIZATION, _CANCELLED = "55P03", "40P01", "40001", "57014"
#: A log-in has no SQLSTATE. "the database system is starting up" is no refusal.
_REFUSED_LOG_INS = ("authentication failed", "no pg_hba.conf entry", 'role "', 'database "')


@contextmanager
def unlogged() -> Iterator[None]:
    """Leave out what psycopg logs in this thread, such as an error after an error: SFR reports the first itself.

    Without a handler for it, Python would write it to stderr.
    """
    thread = get_ident()

    def is_foreign(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger = logging.getLogger("psycopg")
    logger.addFilter(is_foreign)
    try:
        yield
    finally:
        logger.removeFilter(is_foreign)


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of psycopg into `DeliveryError`."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _error(error) from error
    except UnicodeEncodeError as error:
        raise DeliveryError("A cell has characters that PostgreSQL cannot store (lone surrogates).") from error


def _error(error: psycopg.Error) -> DeliveryError:
    import psycopg

    code = error.sqlstate or ""
    if code == _LOCK_TIMEOUT:
        return DeliveryError(
            f"Another transaction has locked the table for more than {LOCK_TIMEOUT_S:g} s.", is_transient=True
        )
    is_unreachable = code[:2] in (_CONNECTION, _INTERVENTION) or (
        not code and isinstance(error, psycopg.OperationalError)
    )
    is_transient = is_unreachable or code[:2] == _RESOURCES or code in (_DEADLOCK, _SERIALIZATION)
    is_lost = is_unreachable and code != _CANCELLED
    prefix = "The connection to PostgreSQL was lost" if is_lost else "PostgreSQL refused"
    return DeliveryError(f"{prefix}: {_text_of(error)}", is_transient=is_transient, is_unreachable=is_unreachable)


def connect_error(error: psycopg.Error) -> DeliveryError:
    """For a connection that could not be made; a refused log-in is not worth another attempt."""
    text = str(error)
    is_refused = (error.sqlstate or "").startswith(_LOG_IN) or any(part in text for part in _REFUSED_LOG_INS)
    prefix = "PostgreSQL refused the log-in" if is_refused else "PostgreSQL cannot be reached"
    return DeliveryError(f"{prefix}: {_text_of(error)}", is_transient=not is_refused, is_unreachable=True)


def _text_of(error: psycopg.Error) -> str:
    primary = error.diag.message_primary if error.diag is not None else None
    text = shortened(" ".join((primary or str(error)).split()).removeprefix("connection failed: "), 300)
    return text if text.endswith((".", "?", "!")) else f"{text}."
