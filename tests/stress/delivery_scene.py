"""What `delivery_faults` delivers to: servers that can be hit, and what each destination shows to its other users."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from sfr.emulator import Emulator
from tests.deliveries import Tables
from tests.postgres_server import USER, PostgresServer, postgres_server
from tests.s3_server import Bucket
from tests.sfr_program import SCRIPT, configure, kill_family
from tests.sftp_server import SftpServer
from tests.small_disks import MB, Mount, mounting
from tests.tcp_relay import TcpRelay
from tests.waiting import wait_until

ROWS = {"Faults 0": 10, "Faults 1": 400, "Faults 2": 9_000, "Faults 3": 34_000}
#: This one is uploaded to S3 in parts; it goes to no table, since each would take its time.
LARGE = "Faults 3"
TABLES = {name: name.lower().replace(" ", "_") for name in ROWS if name != LARGE}
FILES = ("share", "bucket", "partner")
#: Of PostgreSQL, a schema each.
MODES = ("replace", "append", "merge")
S3_PROGRAM = """
import sys
from tests.s3_server import s3_server
with s3_server() as url:
    print(url, flush=True)
    sys.stdin.read()
"""

Rows = list[tuple[Any, ...]]
#: A file's SHA-256; a table's rows, of each date if it is appended to.
Content = str | Rows | dict[str, Rows] | None


@dataclass(frozen=True)
class Version:
    """A report as the org holds it at the moment."""

    text: bytes
    sha256: str
    #: Sorted as `Tables.rows` does.
    rows: Rows

    @classmethod
    def of(cls, text: bytes) -> Version:
        """Read the text as `csv` does."""
        records = csv.reader(io.StringIO(text.decode(), newline=""))
        next(records)
        return cls(text, hashlib.sha256(text).hexdigest(), sorted(map(tuple, records), key=repr))


def change_reports(org: Emulator, seed: str, growth: float) -> dict[str, Version]:
    """Give every report other cells and another number of rows; by name."""
    org.org.catalogue.seed = seed
    versions = {}
    for name, rows in ROWS.items():
        org.add_report(name, rows=int(rows * growth))
        versions[name] = Version.of(b"".join(org.expected_csv(name)))
    return versions


class Shown(Protocol):
    """A destination as its other users see it."""

    def now(self, name: str) -> Content:
        """What it shows of this report; None for nothing."""
        ...

    def after(self, before: Content, version: Version, date: str) -> Content:
        """What it has to show once this version was delivered."""
        ...

    def left(self) -> list[str]:
        """Temporary files that nothing removes any more."""
        ...


@dataclass(frozen=True)
class ShownFiles:
    """Files of a directory."""

    directory: Path

    def now(self, name: str) -> Content:
        """Its digest."""
        path = self.directory / f"{name}.csv"
        return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None

    def after(self, _before: Content, version: Version, _date: str) -> Content:
        """The file's own bytes."""
        return version.sha256

    def left(self) -> list[str]:
        """Whatever is no report."""
        return sorted({path.name for path in self.directory.iterdir()} - {f"{name}.csv" for name in ROWS})


@dataclass(frozen=True)
class ShownObjects:
    """Objects of a bucket."""

    bucket: Bucket
    prefix: str

    def now(self, name: str) -> Content:
        """Its digest."""
        key = f"{self.prefix}/{name}.csv"
        return hashlib.sha256(self.bucket.get(key)).hexdigest() if key in self.bucket.keys else None

    def after(self, _before: Content, version: Version, _date: str) -> Content:
        """The file's own bytes."""
        return version.sha256

    def left(self) -> list[str]:
        """Objects that are no report; parts of cut uploads are no objects."""
        wanted = {f"{self.prefix}/{name}.csv" for name in ROWS}
        return sorted(key for key in self.bucket.keys if key.startswith(f"{self.prefix}/") and key not in wanted)


@dataclass(frozen=True)
class ShownTables:
    """Tables of a database."""

    tables: Tables
    mode: str = "replace"

    def now(self, name: str) -> Content:
        """The rows; with `append` by date."""
        try:
            rows = self.tables.rows(TABLES[name])
        except Exception as error:
            if "does not exist" in str(error):
                return None
            raise
        if self.mode != "append":
            return rows
        dates: dict[str, Rows] = {}
        for *cells, date in rows:
            dates.setdefault(str(date), []).append(tuple(cells))
        return dates

    def after(self, before: Content, version: Version, date: str) -> Content:
        """The rows of the report; with `append` those of other dates, too, with `merge` those with other keys."""
        if self.mode == "append":
            assert before is None or isinstance(before, dict)
            return {**(before or {}), date: version.rows}
        if self.mode == "merge":
            assert before is None or isinstance(before, list)
            merged = {row[0]: row for row in [*(before or []), *version.rows]}
            return sorted(merged.values(), key=repr)
        return version.rows

    def left(self) -> list[str]:
        """Files beside that of an embedded database; sessions on a server are looked for elsewhere."""
        path = self.tables.settings.get("path")
        if path is None:
            return []
        own = {Path(path).name, f"{Path(path).name}.wal"}
        return sorted(each.name for each in Path(path).parent.iterdir() if each.name not in own)


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
