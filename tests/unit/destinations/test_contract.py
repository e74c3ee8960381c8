"""What holds for every kind of destination: each entry of the registry."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sfr.destinations import KINDS, Destination
from sfr.errors import DeliveryError
from sfr.options.section import Section
from sfr.redaction import Secret
from tests.azure_server import ACCESS_KEY, azure_server
from tests.deliveries import PREFIX, Tables, attempt, csv_text, destination, item, proved
from tests.postgres_server import postgres_server
from tests.s3_server import Bucket, s3_server
from tests.sftp_server import SftpServer

#: No kind may load these before it is used.
LIBRARIES = ("psycopg", "duckdb", "sqlite3", "obstore", "paramiko")


@dataclass
class Place:
    """A place to deliver to, and what its users see there."""

    kind: str
    directory: Path
    settings: dict[str, Any] = field(default_factory=dict)
    #: Reads the file at a place that is no directory of this machine.
    read: Callable[[], bytes] | None = None

    def destination(self) -> Destination:
        """SFR's side of it."""
        return destination(self.kind, **self.settings)

    def seen(self) -> str:
        """The content of the report as others read it: the text of the file, or the cells of the table."""
        if self.read is not None:
            return self.read().decode()
        if self.kind == "folder":
            return (self.directory / "Open Pipeline.csv").read_text()
        return repr(Tables(self.kind, self.settings).rows("open_pipeline"))


@contextmanager
def _folder(directory: Path) -> Iterator[Place]:
    yield Place("folder", directory, {"path": str(directory)})


@contextmanager
def _file(kind: str, directory: Path) -> Iterator[Place]:
    yield Place(kind, directory, {"path": str(directory / f"reports.{kind}")})


@contextmanager
def _postgres(directory: Path) -> Iterator[Place]:
    with postgres_server() as server:
        yield Place("postgres", directory, {"url": server.url})


@contextmanager
def _bucket(kind: str, directory: Path) -> Iterator[Place]:
    with s3_server() as url:
        bucket = Bucket(url)
        keys = (
            {"access_key_id": Secret("5up3r-id"), "secret_access_key": Secret("5up3r-s3cret")} if kind == "s3" else {}
        )
        settings = {"bucket": "acme", "endpoint": url, **keys}
        yield Place(kind, directory, settings, lambda: bucket.get("Open Pipeline.csv"))
        bucket.clear()


@contextmanager
def _azure(directory: Path) -> Iterator[Place]:
    with azure_server() as (endpoint, blobs):
        key = Secret(ACCESS_KEY)
        settings = {"account": "acme", "container": "reports", "endpoint": endpoint, "access_key": key}
        yield Place("azure", directory, settings, lambda: blobs["reports/Open Pipeline.csv"])


@contextmanager
def _sftp(directory: Path) -> Iterator[Place]:
    with SftpServer(directory.parent / "sftp") as server:
        yield Place("sftp", server.inbox, server.settings(), lambda: server.files["Open Pipeline.csv"])


#: One for each kind: a new kind fails the test below until it has a place here.
PLACES = {
    "folder": _folder,
    "s3": lambda directory: _bucket("s3", directory),
    "gcs": lambda directory: _bucket("gcs", directory),
    "azure": _azure,
    "sftp": _sftp,
    "postgres": _postgres,
    "duckdb": lambda directory: _file("duckdb", directory),
    "sqlite": lambda directory: _file("sqlite", directory),
}


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """An empty place of each kind."""
    missing = KINDS[request.param].missing_extra()
    if missing:
        pytest.skip(missing)
    directory = tmp_path / "place"
    directory.mkdir()
    with PLACES[request.param](directory) as made:
        yield made


def test_every_kind_has_a_place_in_these_tests() -> None:
    """A new kind is tested like the others."""
    assert set(PLACES) == set(KINDS)


OLD, NEW = csv_text(("A", "B"), ("old", "1")), csv_text(("A", "B"), ("new", "2"), ("new", "3"))


def test_delivery_replaces_the_content_and_may_be_repeated(place: Place, tmp_path: Path) -> None:
    """Twice the same is once the same, and nothing temporary stays."""
    made = place.destination()
    made.deliver(proved(tmp_path, OLD, 1), attempt())
    assert "old" in place.seen()
    for _ in range(2):
        made.deliver(proved(tmp_path, NEW, 2), attempt())
        assert "old" not in place.seen()
        assert place.seen().count("new") == 2
    assert not [path for path in [*place.directory.iterdir(), *tmp_path.iterdir()] if PREFIX in path.name]


def test_cut_attempt_leaves_the_old_content(place: Place, tmp_path: Path) -> None:
    """The reason of the cut is the reason of the failure."""
    made = place.destination()
    made.deliver(proved(tmp_path, OLD, 1), attempt())
    cut = attempt()
    cut.cancel(DeliveryError("stopped by the test"))

    with pytest.raises(DeliveryError):
        made.deliver(proved(tmp_path, NEW, 2), cut)
    assert "old" in place.seen()
    assert "new" not in place.seen()
    assert not [path for path in place.directory.iterdir() if PREFIX in path.name]


def test_attempt_of_a_run_that_lost_its_lease_leaves_the_old_content(place: Place, tmp_path: Path) -> None:
    """Ownership is looked at directly before the new content would become visible."""
    made = place.destination()
    made.deliver(proved(tmp_path, OLD, 1), attempt())

    with pytest.raises(DeliveryError, match="taken the output directory over"):
        made.deliver(proved(tmp_path, NEW, 2), attempt(may_publish=False))
    assert "old" in place.seen()
    assert "new" not in place.seen()


def test_report_file_that_is_not_the_proved_one_is_not_delivered(place: Place, tmp_path: Path) -> None:
    """Its hash is compared, however it is read."""
    made = place.destination()
    made.deliver(proved(tmp_path, OLD, 1), attempt())
    file = proved(tmp_path, NEW, 2)
    Path(file.path).write_bytes(NEW.replace(b"new", b"bad"))

    with pytest.raises(DeliveryError, match="changed by another program"):
        made.deliver(file, attempt())
    assert "old" in place.seen()


def test_check_and_probe_write_nothing(place: Place, tmp_path: Path) -> None:
    """What is there stays as it is."""
    made = place.destination()
    made.deliver(proved(tmp_path, OLD, 1), attempt())
    before = sorted(path.name for path in place.directory.iterdir())
    made.check()
    made.probe()

    assert sorted(path.name for path in place.directory.iterdir()) == before
    assert "old" in place.seen()


def test_target_is_an_encoded_url_without_credentials(place: Place) -> None:
    """One word, so that targets can be separated by blanks."""
    target = place.destination().target(item("Open Pipeline ß"))

    assert " " not in target
    assert target.isascii()
    assert "://" in target
    assert "5up3r" not in target


@pytest.mark.parametrize("kind", KINDS)
def test_options_are_declared_with_descriptions_and_secrets_are_secret(kind: str) -> None:
    """The base of all sections, and nothing that prints a password."""
    settings = KINDS[kind].settings

    assert issubclass(settings, Section)
    assert settings.__doc__
    for name, option in settings.model_fields.items():
        assert option.description, name
        if any(word in name for word in ("password", "secret", "passphrase", "token", "access_key", "url")):
            assert Secret.__name__ in repr(option.annotation) + repr(option.metadata) or name == "access_key_id", name


def test_registry_loads_no_library() -> None:
    """A run that does not use a kind does not pay for it."""
    code = "import sys, sfr.destinations; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert not set(LIBRARIES) & set(done.stdout.split())
