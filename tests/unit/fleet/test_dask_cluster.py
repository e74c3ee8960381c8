"""What SFR says about a Dask cluster, and which workers it reaches without encryption."""

from __future__ import annotations

import asyncio
import logging
import ssl

import pytest

from sfr.errors import UsageError
from sfr.fleet.dask_cluster import _check_own, _no_scheduler, _security, _warn
from sfr.fleet.settings import Dask
from tests.certificates import make_authority

TABLE = """Mismatched versions found

+-------------+----------+-----------+-----------------------+
| Package     | Client   | Scheduler | Workers               |
+-------------+----------+-----------+-----------------------+
| distributed | 2026.8.0 | 2026.8.0  | {'2026.7', '2026.8'}  |
+-------------+----------+-----------+-----------------------+
"""


def test_table_of_different_versions_becomes_one_line(caplog):
    """Dask prints it as a warning of many lines."""
    with caplog.at_level(logging.WARNING, logger="sfr"):
        _warn([TABLE])

    (message,) = caplog.messages
    assert "(distributed: Client 2026.8.0, Scheduler 2026.8.0, Workers {'2026.7', '2026.8'})" in message


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "tcp://localhost:1", "tcp://[::1]:1"])
def test_workers_of_this_machine_may_be_reached_without_encryption(address):
    """Nothing leaves it."""
    _check_own([address])


def test_worker_of_another_machine_is_refused_without_encryption():
    """Although the scheduler itself is on this one."""
    with pytest.raises(UsageError, match="tls://"):
        _check_own(["tcp://127.0.0.1:1", "tcp://192.0.2.1:8788"])


def certificates(directory, **contents):
    """`dask` with these files; others hold a certificate that fits."""
    found = {}
    make_authority(directory, "node")
    for option, name in (("ca_file", "ca.crt"), ("cert_file", "node.crt"), ("key_file", "node.key")):
        path = directory / name
        if option in contents:
            path.write_text(contents[option])
        found[option] = str(path)
    return Dask.model_construct(scheduler="tls://127.0.0.1:8786", **found)


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"ca_file": "none"}, r"dask\.ca_file: expected a certificate authority \(PEM\)"),
        ({"cert_file": ""}, r"dask\.cert_file, dask\.key_file: expected a certificate and its private key"),
        ({"key_file": "none"}, r"dask\.cert_file, dask\.key_file: expected a certificate and its private key"),
        ({"key_file": "-----BEGIN ENCRYPTED PRIVATE KEY-----"}, r"dask\.key_file: .* without passphrase"),
    ],
    ids=["authority", "certificate", "key", "passphrase"],
)
def test_file_that_is_no_certificate_or_needs_a_passphrase_is_a_usage_error(tmp_path, contents, said):
    """It names the option; before anything is connected, and without a question on the terminal."""
    dask = certificates(tmp_path / "certificates", **contents)

    with pytest.raises(UsageError, match=said):
        _security(dask, is_encrypted=True)


def raised(*errors):
    """The last of these errors, each raised because of the one before."""
    found = None
    for error in errors:
        error.__cause__, found = found, error
    return found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            raised(ConnectionRefusedError(111, "refused"), OSError("in <TCP>"), OSError("Timed out after 27 s")),
            " within 30 s ([Errno 111] refused).",
        ),
        (raised(asyncio.CancelledError(), TimeoutError()), " within 30 s."),
        (raised(ssl.SSLError(1, "wrong version"), OSError()), " (wrong version)."),
        (raised(EOFError("Stream is closed"), OSError("in <TLS>: unknown ca")), " (in <TLS>: unknown ca)."),
        (raised(OverflowError("a large int")), ", but something else (a large int)."),
    ],
    ids=["refused", "silent", "TLS", "closed", "another protocol"],
)
def test_message_without_a_scheduler_quotes_what_the_system_said(error, said):
    """And mentions the limit only if that has passed."""
    message = _no_scheduler("tls://one:8786", error)

    assert message.startswith(f"No Dask scheduler answers at tls://one:8786{said} Start it")
