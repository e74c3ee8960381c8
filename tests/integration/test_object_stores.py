"""s3, gcs and azure: the whole file or nothing of it, and errors that say what happened and whether to try again.

The S3 server is moto's. Google's XML API has the same requests, so the same server takes those of `gcs`; this says
nothing about Google's own servers. Azurite is in tests/stress/azurite.py.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import obstore
import pytest
from pydantic import ValidationError

from sfr.destinations import KINDS, Destination
from sfr.destinations.object_store import PART_BYTES
from sfr.errors import DeliveryError
from sfr.redaction import Secret
from tests.deliveries import attempt, item, proved, surroundings
from tests.s3_server import Bucket, s3_server
from tests.tcp_relay import TcpRelay

KEYS = {"access_key_id": Secret("canary-id"), "secret_access_key": Secret("canary-secret")}
#: Three parts of a multipart upload.
LARGE = bytes(range(256)) * (PART_BYTES // 256 * 5 // 2)
AZURE_KEY = "Q2FuYXJ5S2V5"


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """An S3 server."""
    with s3_server() as url:
        yield url


@pytest.fixture
def bucket(server_url: str) -> Iterator[Bucket]:
    """The bucket, empty."""
    found = Bucket(server_url)
    yield found
    found.clear()


def make(kind: str, endpoint: str | None = None, *, idle_timeout_s: float = 30.0, **options: Any) -> Destination:
    """A destination of this kind at a server."""
    places: dict[str, dict[str, Any]] = {
        "s3": {"bucket": "acme", **KEYS},
        "gcs": {"bucket": "acme"},
        "azure": {"account": "acme", "container": "reports", "access_key": Secret(AZURE_KEY)},
    }
    settings = KINDS[kind].settings(**{**places[kind], "endpoint": endpoint, **options})
    return KINDS[kind].make(settings, surroundings(connect_timeout_s=2.0, idle_timeout_s=idle_timeout_s))


every_bucket = pytest.mark.parametrize("kind", ["s3", "gcs"])


@every_bucket
@pytest.mark.parametrize("content", [b"", b"a,b\n", LARGE], ids=["empty", "small", "in parts"])
def test_object_holds_the_files_bytes(
    server_url: str, bucket: Bucket, tmp_path: Path, kind: str, content: bytes
) -> None:
    """Under prefix and name, dates filled in; delivered again, it is replaced."""
    destination = make(kind, server_url, prefix="/sales/{run_date}/")
    bucket.put("sales/2026-11-28/Open Pipeline.csv", b"old")

    for _ in range(2):
        destination.deliver(proved(tmp_path, content), attempt())

    assert bucket.keys == ["sales/2026-11-28/Open Pipeline.csv"]
    assert bucket.get("sales/2026-11-28/Open Pipeline.csv") == content
    assert bucket.uploads == []


@pytest.mark.parametrize(
    ("kind", "options", "target"),
    [
        ("s3", {}, "s3://acme/Open%20Pipeline.csv"),
        ("s3", {"prefix": "sales/{run_date:%Y}"}, "s3://acme/sales/2026/Open%20Pipeline.csv"),
        ("gcs", {"prefix": "Größe"}, "gs://acme/Gr%C3%B6%C3%9Fe/Open%20Pipeline.csv"),
        ("azure", {"prefix": "/sales/"}, "azure://acme/reports/sales/Open%20Pipeline.csv"),
    ],
)
def test_target_is_a_url_without_credentials(kind: str, options: dict[str, Any], target: str) -> None:
    """Percent-encoded, found without a connection."""
    assert make(kind, **options).target(item()) == target


@pytest.mark.parametrize("prefix", ["a//b", "a/../b", "./a", "x" * 1024])
def test_prefix_that_stores_do_not_take_is_refused(prefix: str) -> None:
    """When the list is read, before anything is fetched."""
    with pytest.raises(ValueError, match=r"prefix|longer"):
        make("s3", prefix=prefix).target(item())


@pytest.mark.parametrize("name", ["Größe 表", "a b#c%20?d[e]~*&+=@!$'(),;:^{}`|<>\"", "..x", "trailing "])
def test_object_has_the_name_of_the_file_whatever_it_holds(
    server_url: str, bucket: Bucket, tmp_path: Path, name: str
) -> None:
    """Nothing is escaped in it, or lost from it."""
    make("s3", server_url).deliver(proved(tmp_path, b"x", name=name), attempt())

    assert bucket.keys == [f"{name}.csv"]


@every_bucket
def test_check_and_probe_leave_nothing(server_url: str, bucket: Bucket, kind: str) -> None:
    """The first writes nothing, the second removes it again."""
    destination = make(kind, server_url, prefix="sales/{run_date}")
    destination.check()
    assert bucket.keys == []
    destination.probe()
    assert bucket.keys == []


@every_bucket
def test_upload_that_is_cancelled_publishes_nothing(server_url: str, bucket: Bucket, tmp_path: Path, kind: str) -> None:
    """In the middle of its parts: the old object stays, and no parts are left behind."""
    bucket.put("Open Pipeline.csv", b"old")
    one = attempt()
    calls = iter(range(1000))
    real_check, reason = one.check, DeliveryError("stopped")

    def check() -> None:
        if next(calls) == PART_BYTES * 2 // (256 * 1024):
            one.cancel(reason)
        real_check()

    one.check = check  # type: ignore[method-assign]
    with pytest.raises(DeliveryError, match="stopped"):
        make(kind, server_url).deliver(proved(tmp_path, LARGE), one)

    assert bucket.get("Open Pipeline.csv") == b"old"
    assert bucket.uploads == []


def test_file_that_changed_is_not_published(server_url: str, bucket: Bucket, tmp_path: Path) -> None:
    """Its last block shows that it is not what was proved: of the same size, with other bytes."""
    bucket.put("Open Pipeline.csv", b"old")
    file = proved(tmp_path, LARGE)
    Path(file.path).write_bytes(b"y" * len(LARGE))

    with pytest.raises(DeliveryError, match="changed by another program"):
        make("s3", server_url).deliver(file, attempt())

    assert bucket.get("Open Pipeline.csv") == b"old"


@every_bucket
@pytest.mark.parametrize("content", [LARGE, b"x" * 1_000_000], ids=["in parts", "small"])
def test_connection_lost_in_mid_upload_publishes_nothing(
    server_url: str, bucket: Bucket, tmp_path: Path, kind: str, content: bytes
) -> None:
    """Whoever reads sees the old object; another attempt may help."""
    bucket.put("Open Pipeline.csv", b"old")
    with TcpRelay(int(server_url.rpartition(":")[2]), limit_bytes=len(content) * 2 // 3) as relay:
        with pytest.raises(DeliveryError) as failed:
            make(kind, f"http://127.0.0.1:{relay.port}").deliver(proved(tmp_path, content), attempt())
        assert relay.is_at_limit.is_set()

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
    assert bucket.get("Open Pipeline.csv") == b"old"


def test_server_that_stalls_costs_the_idle_timeout(server_url: str, bucket: Bucket, tmp_path: Path) -> None:
    """Every request has its limit."""
    bucket.put("Open Pipeline.csv", b"old")
    with TcpRelay(int(server_url.rpartition(":")[2]), limit_bytes=300_000, stalls=True) as relay:
        destination = make("s3", f"http://127.0.0.1:{relay.port}", idle_timeout_s=0.5)
        with pytest.raises(DeliveryError, match="did not answer in time") as failed:
            destination.deliver(proved(tmp_path, b"x" * 1_000_000), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
    assert bucket.get("Open Pipeline.csv") == b"old"


class Answering:
    """A server that answers every request in one way."""

    def __init__(
        self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, *, head_status: int | None = None
    ) -> None:
        self.methods: list[str] = []
        answering = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                answering.methods.append(self.command)
                self.send_response(head_status if head_status is not None and self.command == "HEAD" else status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        for method in ("PUT", "GET", "POST", "HEAD", "DELETE"):
            setattr(Handler, f"do_{method}", Handler._answer)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> Answering:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def error_body(code: str) -> bytes:
    """An error as S3 words it."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Says {code}.</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "is_transient", "is_unreachable", "said"),
    [
        (400, "InvalidRequest", False, False, "it answered 400, InvalidRequest, Says InvalidRequest"),
        (400, "ExpiredToken", False, True, "ExpiredToken"),
        (401, "Unauthorized", False, True, "Unauthorized"),
        (403, "AccessDenied", False, True, "AccessDenied, Says AccessDenied"),
        (403, "InvalidAccessKeyId", False, True, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch", False, True, "SignatureDoesNotMatch"),
        (404, "NoSuchBucket", False, False, "NoSuchBucket"),
        (429, "SlowDown", True, False, "SlowDown"),
        (500, "InternalError", True, False, "InternalError"),
        (503, "ServiceUnavailable", True, False, "ServiceUnavailable"),
        (301, "PermanentRedirect", False, True, "set `region`"),
    ],
)
@pytest.mark.parametrize("kind", ["s3", "gcs", "azure"])
def test_answer_decides_whether_another_attempt_may_help(
    tmp_path: Path, kind: str, status: int, code: str, is_transient: bool, is_unreachable: bool, said: str
) -> None:
    """5xx and 429 pass; a refused log-in concerns the destination; the rest concerns the report."""
    with Answering(status, error_body(code)) as server, pytest.raises(DeliveryError) as failed:
        make(kind, server.url).deliver(proved(tmp_path, b"x"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (is_transient, is_unreachable)
    assert said in failed.value.message
    assert "canary" not in failed.value.message
    assert AZURE_KEY not in failed.value.message


@pytest.mark.parametrize(
    "proof", ["Bearer ", "SharedKey acme:", "sharedkeylite acme:", "x, Signature=", "x?sv=1&amp;sig="]
)
@pytest.mark.parametrize("body", ["<Error><Code>Odd</Code><Message>{}</Message></Error>", "{}"], ids=["XML", "text"])
def test_proof_of_a_request_that_a_server_repeats_is_masked(tmp_path: Path, proof: str, body: str) -> None:
    """The library makes it from the key or fetches it, so that nothing else could know it for a secret."""
    answer = body.format(f"Bad request: authorization: {proof}cAnArYmade0fTheKey/+=, see the manual")
    with Answering(403, answer.encode()) as server, pytest.raises(DeliveryError) as failed:
        make("s3", server.url).deliver(proved(tmp_path, b"x"), attempt())

    assert "cAnArY" not in failed.value.message
    assert "***, see the manual" in failed.value.message


@pytest.mark.parametrize("kind", ["s3", "gcs", "azure"])
def test_dead_server_is_unreachable(tmp_path: Path, kind: str) -> None:
    """Nobody listens there: bounded, and worth another attempt."""
    with pytest.raises(DeliveryError, match="no connection") as failed:
        make(kind, "http://127.0.0.1:9").deliver(proved(tmp_path, b"x"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)


def test_object_of_another_size_is_a_failure(tmp_path: Path) -> None:
    """What the store says it has counts, not that it took the upload."""
    with Answering(200, b"", {"ETag": '"x"', "Last-Modified": "Mon, 23 Nov 2026 04:10:00 GMT"}) as server:
        with pytest.raises(
            DeliveryError, match=r"upload of 5 bytes s3://acme has 0 bytes at Open Pipeline.csv"
        ) as failed:
            make("s3", server.url).deliver(proved(tmp_path, b"12345"), attempt())

        assert server.methods == ["PUT", "HEAD"]
    assert failed.value.is_transient


def test_missing_right_to_read_is_named(tmp_path: Path) -> None:
    """The upload was taken, but nobody can say whether it is whole."""
    with Answering(200, b"", {"ETag": '"x"'}, head_status=403) as server:
        with pytest.raises(DeliveryError, match=r"took Open Pipeline.csv, but SFR cannot read its size.*403") as failed:
            make("s3", server.url).deliver(proved(tmp_path, b"12345"), attempt())
        with pytest.raises(DeliveryError, match="cannot read its size"):
            make("s3", server.url).probe()

    assert not failed.value.is_transient


@pytest.mark.parametrize(
    ("code", "is_good"), [("AccessDenied", True), ("InvalidAccessKeyId", False), ("SignatureDoesNotMatch", False)]
)
def test_check_does_not_need_the_right_to_list(code: str, is_good: bool) -> None:
    """A key that may only upload passes; a wrong one does not."""
    with Answering(403, error_body(code)) as server:
        destination = make("s3", server.url)
        if is_good:
            destination.check()
            return
        with pytest.raises(DeliveryError, match=code) as failed:
            destination.check()
    assert failed.value.is_unreachable


def test_probe_that_cannot_be_removed_names_the_object(
    server_url: str, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a person can."""

    def refuse(*_: object) -> None:
        raise obstore.exceptions.PermissionDeniedError("<Code>AccessDenied</Code> status code: 403")

    monkeypatch.setattr(obstore, "delete", refuse)
    with pytest.raises(DeliveryError, match=r"cannot delete s3://acme/\.sfr-probe-.*AccessDenied"):
        make("s3", server_url).probe()


def test_environment_is_used_without_keys(
    server_url: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual chain."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "from-environment")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    make("s3", server_url, access_key_id=None, secret_access_key=None).deliver(proved(tmp_path, b"x"), attempt())

    assert bucket.keys == ["Open Pipeline.csv"]


def test_profile_of_aws_is_used(
    server_url: str, bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By boto3."""
    (tmp_path / "credentials").write_text("[nightly]\naws_access_key_id = a\naws_secret_access_key = b\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    options: dict[str, Any] = {"access_key_id": None, "secret_access_key": None, "profile": "nightly"}
    make("s3", server_url, region="us-east-1", **options).deliver(proved(tmp_path, b"x"), attempt())
    assert bucket.keys == ["Open Pipeline.csv"]

    with pytest.raises(DeliveryError, match="unknown-profile"):
        make("s3", server_url, **{**options, "profile": "unknown-profile"}).check()


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("s3", {"secret_access_key": None}, "go together"),
        ("s3", {"profile": "x"}, "exclude each other"),
        ("s3", {"access_key_id": None, "secret_access_key": None, "session_token": Secret("x")}, "goes with"),
        ("s3", {"endpoint": "http://minio.acme.example"}, "loopback"),
        ("gcs", {"endpoint": "http://acme.example"}, "loopback"),
        ("azure", {"endpoint": "http://acme.example/x"}, "loopback"),
        ("azure", {"endpoint": "ftp://127.0.0.1"}, "https"),
    ],
)
def test_wrong_settings_are_refused(kind: str, options: dict[str, Any], said: str) -> None:
    """Before anything is fetched."""
    with pytest.raises(ValidationError, match=said):
        make(kind, **options)


def test_profile_without_boto3_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2, not a traceback in the night."""
    monkeypatch.setattr("sfr.destinations.s3._is_boto3_missing", lambda: True)
    with pytest.raises(ValidationError, match="pip install boto3"):
        make("s3", access_key_id=None, secret_access_key=None, profile="x")


def test_service_account_file_that_another_may_write_is_not_used(tmp_path: Path) -> None:
    """Looked at again when it is read."""
    file = tmp_path / "account.json"
    file.write_text("{}")
    file.chmod(0o666)
    with pytest.raises(DeliveryError, match="chmod 600"):
        make("gcs", service_account_file=str(file)).check()
