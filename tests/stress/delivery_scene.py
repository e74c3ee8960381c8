"""What `delivery_faults` delivers to: servers that can be hit, and the destinations of a round."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from sfr.emulator import Emulator
from tests.deliveries import Tables
from tests.postgres_server import USER, PostgresServer, postgres_server
from tests.s3_server import Bucket
from tests.sfr_program import SCRIPT, configure, kill_family
from tests.sftp_server import SftpServer
from tests.small_disks import MB, Mount, mounting
from tests.stress.delivery_contents import (
    FILES,
    MODES,
    ROWS,
    TABLES,
    Content,
    Shown,
    ShownFiles,
    ShownObjects,
    ShownTables,
)
from tests.tcp_relay import TcpRelay
from tests.waiting import wait_until

S3_PROGRAM = """
import sys
from tests.s3_server import s3_server
with s3_server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""


class S3Process:
    """The S3 server as a process of its own, which can be stopped. It keeps its objects in memory."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", S3_PROGRAM], cwd=SCRIPT.parent, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().decode().strip()

    def processes(self) -> list[psutil.Process]:
        """Those to stop."""
        return [psutil.Process(self._process.pid)]

    def end(self) -> None:
        """For good."""
        kill_family(self._process)


@dataclass(frozen=True)
class Servers:
    """All that reports are delivered to, for the whole of the long run."""

    postgres: PostgresServer
    s3: S3Process
    sftp: SftpServer
    #: Small file systems, by the destinations that are on them.
    disks: dict[str, Path]


def _family(pid: int) -> list[psutil.Process]:
    main = psutil.Process(pid)
    return [main, *main.children(recursive=True)]


@contextlib.contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Start everything; needs PostgreSQL, OpenSSH and the right to mount."""
    with postgres_server() as postgres, mounting(directory) as mount, contextlib.ExitStack() as stack:
        disks = {
            "share": mount("share", 32 * MB),
            "lake": mount("lake", 96 * MB),
            "partner": mount("partner", 32 * MB),
            "warehouse": _tablespace(postgres, mount),
        }
        s3 = S3Process()
        stack.callback(s3.end)
        sftp = stack.enter_context(SftpServer(disks["partner"] / "server"))
        yield Servers(postgres, s3, sftp, disks)


def _tablespace(server: PostgresServer, mount: Mount) -> Path:
    """Tables on a small file system; the server itself has room, so that it survives a full disk."""
    place = mount("warehouse", 256 * MB)
    space = place / "space"
    space.mkdir()
    if os.geteuid() == 0:
        shutil.chown(place.parent, "nobody", "nogroup")
        shutil.chown(space, "nobody", "nogroup")
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as database:
        database.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        for setting in ("default_tablespace", "temp_tablespaces"):
            database.execute(f"ALTER ROLE {USER} SET {setting} = small")
    return place


class Scene:
    """The destinations of one round, empty at first; network servers are reached by relays. A context manager."""

    def __init__(self, at: Servers, number: int) -> None:
        self.at, self._number = at, number
        prefix = f"round-{number}"
        self._bucket = Bucket(at.s3.url)
        for disk in ("share", "lake"):
            shutil.rmtree(at.disks[disk] / prefix, ignore_errors=True)
            (at.disks[disk] / prefix).mkdir()
        self._inbox = at.sftp.inbox / prefix
        self._inbox.mkdir()
        self._lake = at.disks["lake"] / prefix / "reports.duckdb"
        self._prefix = prefix
        self.relays = {
            "warehouse": TcpRelay(at.postgres.port),
            "bucket": TcpRelay(int(at.s3.url.rpartition(":")[2])),
            "partner": TcpRelay(at.sftp.port),
        }
        self.shown: dict[str, Shown] = {
            "share": ShownFiles(at.disks["share"] / prefix),
            "bucket": ShownObjects(self._bucket, prefix),
            "partner": ShownFiles(self._inbox),
            "lake": ShownTables(Tables("duckdb", {"path": str(self._lake)})),
        }
        for mode in MODES:
            self.shown[mode] = ShownTables(Tables("postgres", {"url": f"{at.postgres.url}{_options(mode)}"}), mode)

    def __enter__(self) -> Scene:
        for relay in self.relays.values():
            relay.__enter__()
        for mode in MODES:
            self.execute(f"DROP SCHEMA IF EXISTS {mode}_mode CASCADE", f"CREATE SCHEMA {mode}_mode")
        port = self.relays["partner"].port
        known = self.at.sftp.directory / f"known_hosts-{self._number}"
        known.write_text(f"[127.0.0.1]:{port} {self.at.sftp.host_key.with_suffix('.pub').read_text()}")
        self._known_hosts = known
        return self

    def __exit__(self, *_: object) -> None:
        for relay in self.relays.values():
            relay.__exit__()
        for directory in (self._lake.parent, self._inbox, self.at.disks["share"] / self._prefix):
            shutil.rmtree(directory)
        self._bucket.clear()

    def configure(self, directory: Path, org: Emulator, reports: Path, backoff_s: float) -> Path:
        """The configuration: every report goes to every destination. Its waits are short."""
        url = f"postgresql://{self.at.postgres.url.partition('//')[2].rpartition(':')[0]}"
        url = f"{url}:{self.relays['warehouse'].port}/postgres"
        keys = {"access_key_id": "x", "secret_access_key": "y"}
        endpoint = f"http://127.0.0.1:{self.relays['bucket'].port}"
        at_partner = {"port": self.relays["partner"].port, "known_hosts": str(self._known_hosts)}
        tables: dict[str, dict[str, Any]] = {mode: {"schema": f"{mode}_mode", "mode": mode} for mode in MODES}
        tables["merge"]["key"] = ["Case Number"]
        destinations: dict[str, dict[str, Any]] = {
            "share": {"folder": {"path": str(self.at.disks["share"] / self._prefix)}},
            "bucket": {"s3": {"bucket": "acme", "endpoint": endpoint, "prefix": self._prefix, **keys}},
            "partner": {"sftp": self.at.sftp.settings(directory=str(self._inbox), **at_partner)},
            "lake": {"duckdb": {"path": str(self._lake)}},
            **{mode: {"postgres": {"url": url, **settings}} for mode, settings in tables.items()},
        }
        items = [
            {
                "report_type": "SFDC",
                "report_file_name": name,
                "report_id": org.report(name).id,
                "report_path": str(reports),
                "deliver": self.places(name),
            }
            for name in ROWS
        ]
        return configure(
            directory,
            org,
            (),
            reports={"list": None, "items": items},
            workers={"count": 1},
            destinations=destinations,
            deliveries={"threads": 3, "attempts": 3, "connect_timeout_s": 2, "idle_timeout_s": 3, "timeout_s": 10},
            fetch={"backoff": {"first_s": 0.05, "max_s": backoff_s}, "stop_grace_s": 1},
        )

    def places(self, name: str) -> list[str]:
        """Where a report goes."""
        return [place for place in self.shown if name in TABLES or place in FILES]

    def now(self) -> dict[tuple[str, str], Content]:
        """What is shown, by destination and report."""
        return {(place, name): self.shown[place].now(name) for name in ROWS for place in self.places(name)}

    def processes(self, name: str) -> list[psutil.Process]:
        """The processes of a server."""
        if name == "warehouse":
            return _family(self.at.postgres.pid)
        return self.at.s3.processes() if name == "bucket" else _family(self.at.sftp.pid)

    def kill(self, name: str) -> None:
        """End a server as a crash does."""
        if name == "warehouse":
            self.at.postgres.stop()
        else:
            self.at.sftp.stop()

    def start(self, name: str) -> None:
        """Start it again; clients find it where it was."""
        if name == "warehouse":
            self.at.postgres.start()
        else:
            self.at.sftp.start()
            self.relays["partner"].lead_to(self.at.sftp.port)

    def lake(self) -> Any:
        """A connection of another program to the DuckDB file; raises its IOException while a run has it open."""
        import duckdb

        return duckdb.connect(str(self._lake))

    def execute(self, *statements: str) -> None:
        """Run statements on PostgreSQL."""
        Tables("postgres", {"url": self.at.postgres.url}).execute(*statements)

    def await_end_of_sessions(self) -> None:
        """Until PostgreSQL has ended the sessions of runs that are no more. Fails after a minute."""
        import psycopg

        with psycopg.connect(self.at.postgres.url, autocommit=True) as database:
            question = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sfr'"
            wait_until(lambda: database.execute(question).fetchone() == (0,))

    def left(self) -> list[str]:
        """Temporary files at any destination."""
        return [f"{name}: {left}" for name, shown in self.shown.items() for left in shown.left()]

    @property
    def cut_uploads(self) -> int:
        """Uploads in parts that have not ended: a lifecycle rule of the bucket has to remove them."""
        return len(self._bucket.uploads)


def _options(mode: str) -> str:
    """Of a URL: the schema to look in."""
    return f"?options=-csearch_path%3D{mode}_mode"
