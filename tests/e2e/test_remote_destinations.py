"""A run delivers to a bucket and to an SFTP server, as a user configures them, and says where everything went."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.s3_server import Bucket, s3_server
from tests.sftp_server import SftpServer
from tests.tcp_relay import TcpRelay

NAMES = ("Deals by Stage", "Awkward Cells")
SECRET = "canary-secret-key-0123456789"


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """An S3 server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(s3_url: str) -> Iterator[Bucket]:
    """Its bucket, empty."""
    found = Bucket(s3_url)
    yield found
    found.clear()


def s3(endpoint: str) -> dict[str, Any]:
    """A destination as the configuration has it; the secret is in the environment."""
    keys = {"access_key_id": "canary-key-id", "secret_access_key": "${S3_SECRET}"}
    return {"s3": {"bucket": "acme", "prefix": "sales/{run_date:%Y}", "endpoint": endpoint, **keys}}


@pytest.fixture
def job(job: Any) -> Any:
    """With the secret in its environment."""
    job.environ["S3_SECRET"] = SECRET
    return job


def test_reports_are_delivered_to_bucket_and_sftp_server(
    org: Any, job: Any, s3_url: str, bucket: Bucket, tmp_path: Path, expected: Any
) -> None:
    """Both get the file's bytes; an unchanged night delivers nothing again, `--deliver-again` does."""
    with SftpServer(tmp_path / "server") as server:
        destinations = {"lake": s3(s3_url), "partner": {"sftp": server.settings()}}
        output = {"deliver": ["lake", "partner"]}
        job.for_org(org, *NAMES, destinations=destinations, output=output, deliveries={"connect_timeout_s": 5})
        assert job.run("--check").code == 0
        assert (bucket.keys, server.files) == ([], {})

        first = job.run()
        assert first.code == 0, first.stderr
        year = job.summary()["run"]["started"][:4]
        delivered = job.reports()["Deals by Stage"]["delivered"]
        assert server.files == {f"{name}.csv": expected(name) for name in NAMES}
        assert sorted(bucket.keys) == sorted(f"sales/{year}/{name}.csv" for name in NAMES)
        assert all(bucket.get(f"sales/{year}/{name}.csv") == expected(name) for name in NAMES)
        assert delivered.split(" ") == [
            f"s3://acme/sales/{year}/Deals%20by%20Stage.csv",
            f"sftp://127.0.0.1:{server.port}{server.inbox!s}/Deals%20by%20Stage.csv",
        ]

        bucket.clear()
        assert job.run().code == 0
        assert bucket.keys == []
        assert job.reports()["Deals by Stage"]["delivered"] == delivered
        assert job.run("--deliver-again").code == 0
        assert len(bucket.keys) == len(NAMES)
    assert "canary" not in job.log_text()


def test_dead_destination_is_a_failed_delivery_and_the_file_stays(org: Any, job: Any, expected: Any) -> None:
    """Code 4, `delivery`, the local files in place; neither log nor summary holds a key."""
    job.for_org(
        org,
        *NAMES,
        destinations={"lake": s3("http://127.0.0.1:9")},
        output={"deliver": ["lake"]},
        deliveries={"attempts": 2, "connect_timeout_s": 2},
    )

    ended = job.run()

    assert ended.code == 4
    assert job.errors() == {"delivery"}
    assert all(job.file(name).read_bytes() == expected(name) for name in NAMES)
    texts = [ended.stderr, ended.stdout, job.log_text()]
    texts += [path.read_text() for path in job.output.glob("summary_report.*")]
    assert not any("canary" in text for text in texts)
    assert b"canary" not in (job.output / ".sfr/history.sqlite3").read_bytes()


@pytest.mark.parametrize(("kind", "module", "extra"), [("s3", "obstore", "cloud"), ("sftp", "paramiko", "sftp")])
def test_missing_extra_ends_with_2_and_names_the_command(
    org: Any, job: Any, kind: str, module: str, extra: str
) -> None:
    """Nothing is fetched."""
    (job.directory / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
    job.environ["PYTHONPATH"] = str(job.directory)
    destination = s3("http://127.0.0.1:9")
    if kind == "sftp":
        destination = {"sftp": {"host": "sftp.acme.example", "username": "x", "password": SECRET}}
    job.for_org(org, NAMES[0], destinations={"lake": destination}, output={"deliver": ["lake"]})
    org.requests.clear()

    ended = job.run()

    assert ended.code == 2
    assert f"pip install 'sfr[{extra}]'" in ended.stderr
    assert not org.requests.records()


@pytest.mark.parametrize("kind", ["s3", "sftp"])
def test_stop_signal_ends_a_delivery_that_stalls(
    org: Any, job: Any, s3_url: str, bucket: Bucket, tmp_path: Path, kind: str
) -> None:
    """After the grace period the run ends with 143, the report is `delivery`, its file stays, no part is left."""
    name = NAMES[1]
    with SftpServer(tmp_path / "server") as server:
        target = int(s3_url.rpartition(":")[2]) if kind == "s3" else server.port
        with TcpRelay(target, limit_bytes=0 if kind == "s3" else 1_000, stalls=True) as relay:
            destination = s3(f"http://127.0.0.1:{relay.port}")
            if kind == "sftp":
                known = tmp_path / "known"
                known.write_text(server.known_hosts.read_text().replace(str(server.port), str(relay.port)))
                destination = {"sftp": server.settings(port=relay.port, known_hosts=str(known))}
            job.for_org(
                org,
                name,
                destinations={"lake": destination},
                output={"deliver": ["lake"]},
                fetch={"stop_grace_s": 0.5},
            )
            started = job.start()
            assert relay.is_at_limit.wait(60)
            stopped_s = time.monotonic()
            started.process.send_signal(signal.SIGTERM)
            ended = started.end()
            seconds = time.monotonic() - stopped_s
        assert server.files.get(f"{name}.csv") is None

    assert ended.code == 143, ended.stderr
    assert seconds < 15
    assert job.errors() == {"delivery"}
    assert job.file(name).exists()
    assert bucket.keys == []
