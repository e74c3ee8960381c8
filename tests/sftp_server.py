"""OpenSSH's own server on loopback, as the user who runs the tests; and how other users see its files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from tests.sfr_program import kill_family
from tests.waiting import wait_until

#: Where Debian has it; it is not in users' PATH.
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/lib/openssh"


def _program(name: str) -> str:
    """Its path; without it the test is skipped here and fails in CI."""
    if found := shutil.which(name, path=_PATH):
        return found
    if os.environ.get("CI"):
        pytest.fail(f"there is no {name}: install openssh-server")
    pytest.skip(f"there is no {name}")


def make_key(path: Path, passphrase: bytes | None = None) -> Path:
    """A private key with its public part beside it, as ssh-keygen makes them."""
    key = ed25519.Ed25519PrivateKey.generate()
    encryption: Any = serialization.NoEncryption()
    if passphrase is not None:
        encryption = serialization.BestAvailableEncryption(passphrase)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    path.touch(mode=0o600)
    path.write_bytes(private)
    path.with_suffix(".pub").write_bytes(public + b"\n")
    return path


class SftpServer:
    """A context manager. `options` of OpenSSH's sftp-server, such as `-P posix-rename`.

    It is the one inside sshd: any other is started by the user's shell, whose start-up files may wait for anything.
    """

    def __init__(self, directory: Path, options: str = "") -> None:
        self.directory = directory
        #: Where files are delivered to.
        self.inbox = directory / "inbox"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    def __enter__(self) -> SftpServer:
        self.inbox.mkdir(parents=True)
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.host_key = make_key(self.directory / "host")
        self.user_key = make_key(self.directory / "user")
        self.locked_key = make_key(self.directory / "locked", b"canary-passphrase")
        authorized = self.directory / "authorized"
        authorized.write_bytes(
            self.user_key.with_suffix(".pub").read_bytes() + self.locked_key.with_suffix(".pub").read_bytes()
        )
        self.start()
        self.known_hosts = self.directory / "known_hosts"
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.host_key.with_suffix('.pub').read_text()}")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the process that has started all others."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it, on another port than before."""
        wait_until(self._start)

    def stop(self) -> None:
        """End the server and its sessions at once."""
        if self._process is not None:
            kill_family(self._process)
            self._process = None

    def _start(self) -> bool:
        """Start it on a free port; False if somebody else has taken that meanwhile."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = listener.getsockname()[1]
        config = self.directory / "sshd_config"
        config.write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.host_key}\nPidFile none\nUsePAM no\n"
            f"StrictModes no\nAuthorizedKeysFile {self.directory / 'authorized'}\nPasswordAuthentication no\n"
            f"KbdInteractiveAuthentication no\nSubsystem sftp internal-sftp {self._options}\n"
            "PermitRootLogin prohibit-password\n"
        )
        command = [_program("sshd"), "-D", "-e", "-f", str(config)]
        log = self.directory / "log"
        with log.open("wb") as stream:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stream)
        wait_until(lambda: b"Server listening" in log.read_bytes() or self._has_ended())
        return not self._has_ended()

    def _has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def settings(self, **changes: Any) -> dict[str, Any]:
        """Options of a destination that delivers to the inbox."""
        import pwd

        return {
            "host": "127.0.0.1",
            "port": self.port,
            "username": pwd.getpwuid(os.geteuid()).pw_name,
            "private_key_file": str(self.user_key),
            "known_hosts": str(self.known_hosts),
            "directory": str(self.inbox),
            **changes,
        }

    @property
    def files(self) -> dict[str, bytes]:
        """What lies in the inbox, with its directories."""
        found = (path for path in self.inbox.rglob("*") if path.is_file())
        return {str(path.relative_to(self.inbox)): path.read_bytes() for path in found}
