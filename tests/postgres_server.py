"""A real PostgreSQL server for tests, on loopback: made in a temporary directory, by a user that is not root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.ports import free_port

USER, PASSWORD = "sfr", "pg-canary-5up3r"
START_LIMIT_S = 60


def _programs() -> Path | None:
    """Where Debian keeps the server's programs, or whatever the search path has."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    on_path = shutil.which("postgres")
    return found[0].parent if found else Path(on_path).parent if on_path else None


@dataclass
class PostgresServer:
    """A server that can be stopped, killed and started again."""

    programs: Path
    directory: Path
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """With user and password."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.directory} -c fsync=off"
        )
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", str(self.directory / "log"), "-w", "start")

    def stop(self) -> None:
        """End it at once, as a crash does."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def make(self) -> None:
        """Make the database cluster."""
        password_file = self.directory / "password"
        password_file.write_text(PASSWORD)
        password_file.chmod(0o644)
        self._run("initdb", "-D", self._data, "-U", USER, "-A", "scram-sha-256", "--pwfile", str(password_file), "-N")

    @property
    def _data(self) -> str:
        return str(self.directory / "data")

    @property
    def pid(self) -> int:
        """Of the process that has started all others."""
        return int(Path(self._data, "postmaster.pid").read_text().split()[0])

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        if os.geteuid() == 0:  # which PostgreSQL refuses
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *command]
        subprocess.run(
            command, cwd="/", check=True, timeout=START_LIMIT_S, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server. Skips the test where PostgreSQL is not installed, but never in the gate."""
    programs = _programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is not installed: the gate installs it")
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="sfr-pg-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody", "nogroup")
        server = PostgresServer(programs, directory)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
