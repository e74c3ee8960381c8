"""What SFR says about a Dask cluster, and which workers it reaches without encryption."""

from __future__ import annotations

import logging

import pytest

from sfr.errors import UsageError
from sfr.fleet.dask_cluster import _check_own, _security, _warn
from sfr.fleet.settings import Dask

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


@pytest.mark.parametrize(
    ("content", "said"), [("none", "cannot be used"), ("-----BEGIN ENCRYPTED PRIVATE KEY-----", "without passphrase")]
)
def test_file_that_is_no_certificate_or_needs_a_passphrase_is_a_usage_error(tmp_path, content, said):
    """Before anything is connected, and without a question on the terminal."""
    for name in ("ca", "cert", "key"):
        (tmp_path / name).write_text(content)
        (tmp_path / name).chmod(0o600)
    files = {f"{name}_file": str(tmp_path / name) for name in ("ca", "cert", "key")}

    with pytest.raises(UsageError, match=said):
        _security(Dask.model_construct(scheduler="tls://127.0.0.1:8786", **files), is_encrypted=True)
