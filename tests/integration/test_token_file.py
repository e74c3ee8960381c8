"""The refresh token's file and its lock, where another user or an odd file system is in the way: refused, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sfr.emulator import Emulator
from sfr.errors import LogInError
from sfr.redaction import Redactor, Secret
from sfr.salesforce.auth.grants import LogInContext
from sfr.salesforce.auth.refresh_token import RefreshTokenSettings, log_in
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.http.transport import TransportOptions, open_transport

fcntl = pytest.importorskip("fcntl")

OLD = b"private"


@pytest.fixture
def org() -> Iterator[Emulator]:
    """An org that would let the app in."""
    with Emulator() as running:
        yield running


@pytest.fixture
def token_file(org: Emulator, tmp_path: Path) -> Path:
    """A good token."""
    path = tmp_path / "refresh_token"
    path.write_text(org.credentials.refresh_token)
    path.chmod(0o600)
    return path


def refused(org: Emulator, token_file: Path) -> str:
    """Why there is no log-in; no request is sent."""
    known = org.credentials
    settings = RefreshTokenSettings(
        client_id=known.client_id, token_file=str(token_file), client_secret=Secret(known.client_secret)
    )
    transport = open_transport(TransportOptions())
    try:
        context = LogInContext(transport, org.url, Redactor(), lambda: Deadline.after(20, "20 s"))
        with pytest.raises(LogInError) as caught:
            log_in(settings, context)
    finally:
        transport.close()
    assert org.requests.records() == ()
    return str(caught.value)


@pytest.mark.parametrize("planted", ["symbolic link", "hard link", "named pipe"])
def test_lock_of_the_token_is_refused_when_it_is_no_file_of_ours(org: Emulator, token_file: Path, planted: str) -> None:
    """What a link leads to is left alone, and a pipe is not waited for."""
    victim, lock = token_file.with_name("victim"), Path(f"{token_file}.lock")
    victim.write_bytes(OLD)
    {
        "symbolic link": lambda: lock.symlink_to(victim),
        "hard link": lambda: os.link(victim, lock),
        "named pipe": lambda: os.mkfifo(lock),
    }[planted]()
    assert planted in refused(org, token_file)
    assert victim.read_bytes() == OLD


def test_token_is_refused_when_its_file_is_a_pipe(org: Emulator, token_file: Path) -> None:
    """A thread that waits for it could not be stopped."""
    token_file.unlink()
    os.mkfifo(token_file)
    assert "pipe" in refused(org, token_file)


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_token_needs_a_file_system_with_locks(
    org: Emulator, token_file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """Two log-ins with one token would void it; the remedy is a local disk."""

    def flock(descriptor: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    message = refused(org, token_file)
    assert "no file locks" in message
    assert "local disk" in message
