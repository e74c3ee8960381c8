"""sftp against OpenSSH: the whole old or the whole new file, unknown hosts refused, every fault explained."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import psutil
import pytest
from pydantic import ValidationError

from sfr.destinations import KINDS, Destination
from sfr.errors import DeliveryError
from sfr.redaction import Secret
from tests.deliveries import attempt, item, proved, surroundings
from tests.sfr_program import still_running
from tests.sftp_server import SftpServer, make_key
from tests.small_disks import MB, mounting
from tests.tcp_relay import TcpRelay

#: Several times what OpenSSH takes before it answers.
LARGE = bytes(range(256)) * 20_000
PASSWORD = "canary-password"
PASSPHRASE = "canary-passphrase"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """OpenSSH's server."""
    with SftpServer(tmp_path_factory.mktemp("sftp")) as server:
        yield server


@pytest.fixture
def server(running: SftpServer) -> SftpServer:
    """The server with an empty inbox."""
    for path in sorted(running.inbox.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return running


@pytest.fixture(scope="module")
def simple(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server without posix-rename."""
    with SftpServer(tmp_path_factory.mktemp("simple"), "-P posix-rename") as found:
        yield found


def make(settings: dict[str, Any], *, connect_timeout_s: float = 10.0, idle_timeout_s: float = 20.0) -> Destination:
    """The destination of these settings."""
    limits = surroundings(connect_timeout_s=connect_timeout_s, idle_timeout_s=idle_timeout_s)
    return KINDS["sftp"].make(KINDS["sftp"].settings(**settings), limits)


@pytest.mark.parametrize("content", [b"", b"a,b\n", LARGE], ids=["empty", "small", "large"])
@pytest.mark.parametrize("is_asked", [True, False], ids=["size confirmed", "not confirmed"])
def test_file_holds_the_reports_bytes(server: SftpServer, tmp_path: Path, content: bytes, is_asked: bool) -> None:
    """In directories that are made, dates filled in; again over the old one. Nothing else is left."""
    directory = f"{server.inbox}/sales/{{run_date:%Y}}/Größe"
    destination = make(server.settings(directory=directory, confirm_size=is_asked))

    for part in (b"old", content):
        destination.deliver(proved(tmp_path, part), attempt())

    assert server.files == {"sales/2026/Größe/Open Pipeline.csv": content}


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ({"port": 22, "directory": "."}, "sftp://127.0.0.1/~/Open%20Pipeline.csv"),
        ({"port": 2222, "directory": "in/{run_date}/"}, "sftp://127.0.0.1:2222/~/in/2026-11-28/Open%20Pipeline.csv"),
        ({"port": 22, "directory": "/srv/in"}, "sftp://127.0.0.1/srv/in/Open%20Pipeline.csv"),
        ({"port": 22, "host": "::1", "directory": "/"}, "sftp://[::1]/Open%20Pipeline.csv"),
    ],
)
def test_target_is_a_url_without_credentials(options: dict[str, Any], target: str) -> None:
    """Percent-encoded, without the user, found without a connection."""
    settings = {"host": "127.0.0.1", "username": "reader", "password": Secret(PASSWORD), **options}

    assert make(settings).target(item()) == target


def test_check_and_probe_leave_nothing(server: SftpServer) -> None:
    """The first writes nothing, the second removes it again; the part of the directory with dates is not needed."""
    destination = make(server.settings(directory=f"{server.inbox}/{{run_date}}"))

    destination.check()
    destination.probe()

    assert list(server.inbox.iterdir()) == []


def test_missing_directory_is_no_failure_before_the_run(server: SftpServer) -> None:
    """A delivery makes it; neither `check` nor `probe` does."""
    destination = make(server.settings(directory=f"{server.inbox}/missing/below"))

    destination.check()
    destination.probe()

    assert list(server.inbox.iterdir()) == []


def test_readers_see_the_old_or_the_new_file(server: SftpServer, tmp_path: Path) -> None:
    """Whenever they look, while it is delivered again and again."""
    old, new = b"old" * 100_000, b"new" * 200_000
    destination, ended = make(server.settings()), threading.Event()
    destination.deliver(proved(tmp_path, old), attempt())
    seen: set[bytes] = set()

    def look() -> None:
        while not ended.is_set():
            seen.add((server.inbox / "Open Pipeline.csv").read_bytes())

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for content in (new, old, new):
            destination.deliver(proved(tmp_path, content), attempt())
    finally:
        ended.set()
        reader.join()

    assert seen <= {old, new}


def test_server_without_posix_rename_is_a_failure_that_says_so(simple: SftpServer, tmp_path: Path) -> None:
    """The old file stays and no temporary one is left."""
    (simple.inbox / "Open Pipeline.csv").write_bytes(b"old")

    with pytest.raises(DeliveryError, match=r"posix-rename@openssh\.com.*`allow_remove: true`") as failed:
        make(simple.settings()).deliver(proved(tmp_path, b"new"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (False, False)
    assert simple.files == {"Open Pipeline.csv": b"old"}


def test_allow_remove_replaces_the_file_there(simple: SftpServer, tmp_path: Path) -> None:
    """Whether there was one or not."""
    (simple.inbox / "Open Pipeline.csv").unlink(missing_ok=True)
    destination = make(simple.settings(allow_remove=True))
    for content in (b"first", b"second"):
        destination.deliver(proved(tmp_path, content), attempt())

        assert simple.files == {"Open Pipeline.csv": content}
    (simple.inbox / "Open Pipeline.csv").unlink()


def test_allow_remove_keeps_the_upload_when_the_old_file_is_gone_and_the_rename_fails(tmp_path: Path) -> None:
    """Else the server would have neither; the message says where the report is, and the next delivery repairs it."""
    (tmp_path / "server").mkdir()
    with SftpServer(tmp_path / "server", "-P posix-rename,rename") as without_rename:
        (without_rename.inbox / "Open Pipeline.csv").write_bytes(b"old")

        with pytest.raises(DeliveryError, match=r"removed.*whole"):
            make(without_rename.settings(allow_remove=True)).deliver(proved(tmp_path, b"new"), attempt())
        assert [path.read_bytes() for path in without_rename.inbox.iterdir()] == [b"new"]


@pytest.mark.parametrize("entry", ["nothing", "another port", "a comment"])
def test_unknown_host_key_is_refused(server: SftpServer, tmp_path: Path, entry: str) -> None:
    """With its fingerprint, and before any credential is sent."""
    known = tmp_path / "known_hosts"
    line = server.known_hosts.read_text()
    known.write_text(
        {"nothing": "", "another port": line.replace(f":{server.port}", ":1"), "a comment": f"# {line}"}[entry]
    )

    with pytest.raises(DeliveryError, match=r"host key of .* is unknown: ssh-ed25519 SHA256:") as failed:
        make(server.settings(known_hosts=str(known))).deliver(proved(tmp_path, b"new"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (False, True)
    assert server.files == {}


def test_missing_known_hosts_of_the_user_means_unknown(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`known_hosts: null` is ~/.ssh/known_hosts."""
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(DeliveryError, match="is unknown"):
        make(server.settings(known_hosts=None)).check()

    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/known_hosts").write_text(server.known_hosts.read_text())
    make(server.settings(known_hosts=None)).check()


def test_another_host_key_is_refused(server: SftpServer, tmp_path: Path) -> None:
    """It may be a man in the middle."""
    other = make_key(tmp_path / "other").with_suffix(".pub").read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {other}")

    with pytest.raises(DeliveryError, match="shows another host key") as failed:
        make(server.settings(known_hosts=str(known))).check()

    assert (failed.value.is_transient, failed.value.is_unreachable) == (False, True)


def test_known_hosts_that_others_may_write_is_not_used(server: SftpServer, tmp_path: Path) -> None:
    """Whoever can write it decides which server is trusted."""
    known = tmp_path / "known_hosts"
    known.write_text(server.known_hosts.read_text())
    known.chmod(0o666)

    with pytest.raises(DeliveryError, match="may be written by"):
        make(server.settings(known_hosts=str(known))).check()


def test_key_with_a_passphrase_is_opened_by_it(server: SftpServer) -> None:
    """Without it, and with a wrong one, the message says so and holds none."""
    locked = server.settings(private_key_file=str(server.locked_key))
    make({**locked, "private_key_passphrase": Secret(PASSPHRASE)}).check()

    for passphrase, said in ((None, "set `private_key_passphrase`"), (Secret("canary-wrong"), "and its passphrase")):
        with pytest.raises(DeliveryError, match=said) as failed:
            make({**locked, "private_key_passphrase": passphrase}).check()
        assert failed.value.is_unreachable
        assert "canary" not in failed.value.message


@pytest.mark.parametrize(
    "content", ["", "no key", "-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_file_without_a_key_is_explained(server: SftpServer, tmp_path: Path, content: str) -> None:
    """What was expected of it."""
    (tmp_path / "key").write_text(content)
    (tmp_path / "key").chmod(0o600)

    with pytest.raises(DeliveryError, match="expected an Ed25519, ECDSA or RSA key"):
        make(server.settings(private_key_file=str(tmp_path / "key"))).check()


def test_refused_key_concerns_the_destination(server: SftpServer, tmp_path: Path) -> None:
    """A log-in is not tried again."""
    stranger = make_key(tmp_path / "stranger")

    with pytest.raises(DeliveryError, match="refused the log-in") as failed:
        make(server.settings(private_key_file=str(stranger))).deliver(proved(tmp_path, b"x"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (False, True)


def test_directory_without_permission_concerns_the_report(server: SftpServer, tmp_path: Path) -> None:
    """A file is in the directory's place: another attempt would not help."""
    (server.inbox / "file").write_bytes(b"")

    with pytest.raises(DeliveryError) as failed:
        make(server.settings(directory=f"{server.inbox}/file/in")).deliver(proved(tmp_path, b"x"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (False, False)


@pytest.mark.parametrize("stalls", [False, True], ids=["cut", "stalled"])
def test_connection_lost_in_mid_upload_leaves_the_old_file(server: SftpServer, tmp_path: Path, stalls: bool) -> None:
    """Its temporary file may stay on the server, under a name that is no report's; the next attempt replaces it."""
    (server.inbox / "Open Pipeline.csv").write_bytes(b"old")
    with TcpRelay(server.port, limit_bytes=len(LARGE) // 2, stalls=stalls) as relay:
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts.read_text().replace(str(server.port), str(relay.port)))
        destination = make(server.settings(port=relay.port, known_hosts=str(known)), idle_timeout_s=0.5)
        with pytest.raises(DeliveryError) as failed:
            destination.deliver(proved(tmp_path, LARGE), attempt())
        assert relay.is_at_limit.is_set()

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
    assert server.files["Open Pipeline.csv"] == b"old"
    make(server.settings()).deliver(proved(tmp_path, LARGE), attempt())
    assert server.files == {"Open Pipeline.csv": LARGE}


def test_session_that_goes_on_later_changes_nothing_that_was_delivered_since(
    server: SftpServer, tmp_path: Path
) -> None:
    """Its process was stopped in mid-upload; what it still writes must not go to the file of the next delivery."""
    one, calls, stopped = attempt(), iter(range(1000)), []
    real_check = one.check

    def check() -> None:
        if next(calls) == 5:
            for process in psutil.Process(server.pid).children(recursive=True):
                with contextlib.suppress(psutil.NoSuchProcess):  # a session of an earlier test
                    process.suspend()
                    stopped.append(process)
        real_check()

    one.check = check  # type: ignore[method-assign]
    try:
        with pytest.raises(DeliveryError):
            make(server.settings(), idle_timeout_s=0.5).deliver(proved(tmp_path, LARGE), one)
        make(server.settings()).deliver(proved(tmp_path, b"new" * len(LARGE)), attempt())
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    assert stopped
    assert still_running(stopped, 30) == []
    assert server.files == {"Open Pipeline.csv": b"new" * len(LARGE)}


def test_server_killed_in_mid_upload_leaves_the_old_file(tmp_path: Path) -> None:
    """Sessions and all."""
    with SftpServer(tmp_path / "server") as server:
        (server.inbox / "Open Pipeline.csv").write_bytes(b"old")
        one, calls = attempt(), iter(range(1000))
        real_check = one.check

        def check() -> None:
            if next(calls) == 5:
                server.stop()
            real_check()

        one.check = check  # type: ignore[method-assign]
        with pytest.raises(DeliveryError) as failed:
            make(server.settings()).deliver(proved(tmp_path, LARGE), one)

        assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
        assert server.files["Open Pipeline.csv"] == b"old"


def test_attempt_that_is_cancelled_ends_at_once(server: SftpServer, tmp_path: Path) -> None:
    """Even while it waits for the server."""
    with TcpRelay(server.port, limit_bytes=len(LARGE) // 2, stalls=True) as relay:
        known = tmp_path / "known_hosts"
        known.write_text(server.known_hosts.read_text().replace(str(server.port), str(relay.port)))
        one = attempt()

        def cancel() -> None:
            relay.is_at_limit.wait(20)
            one.cancel(DeliveryError("stopped"))

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(DeliveryError):
            make(server.settings(port=relay.port, known_hosts=str(known)), idle_timeout_s=60).deliver(
                proved(tmp_path, LARGE), one
            )
        thread.join()


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["silent", "HTTP"])
def test_server_that_is_none_costs_the_connect_timeout(
    tmp_path: Path, greeting: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing is printed by the library. The message says what was waited for."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            connection.sendall(greeting)
            connection.recv(1000)
            closing.append(connection)

        closing: list[socket.socket] = []
        thread = threading.Thread(target=serve)
        thread.start()
        settings = {
            "host": "127.0.0.1",
            "port": listener.getsockname()[1],
            "username": "x",
            "password": Secret(PASSWORD),
        }
        with pytest.raises(DeliveryError) as failed:
            make(settings, connect_timeout_s=0.4).deliver(proved(tmp_path, b"x"), attempt())
        thread.join()
        for connection in closing:
            connection.close()

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
    if not greeting:
        assert "began no SSH session within `deliveries.connect_timeout_s`" in str(failed.value)
    assert capfd.readouterr() == ("", "")


def test_dead_server_is_unreachable(tmp_path: Path) -> None:
    """Nobody listens there."""
    settings = {"host": "127.0.0.1", "port": 9, "username": "x", "password": Secret(PASSWORD)}
    with pytest.raises(DeliveryError, match="Connection refused") as failed:
        make(settings).deliver(proved(tmp_path, b"x"), attempt())

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)


class _PasswordServer(paramiko.ServerInterface):
    """Takes a password; OpenSSH would need an account of the system for that."""

    def check_auth_password(self, username: str, password: str) -> int:
        is_right = (username, password) == ("reader", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if is_right else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"


@pytest.mark.parametrize(("password", "said"), [(PASSWORD, "Channel closed"), ("canary-wrong", "refused the log-in")])
def test_password_is_sent_to_a_known_host_only(tmp_path: Path, password: str, said: str) -> None:
    """The server here has no files, so a good log-in ends at the next step."""
    host_key = paramiko.RSAKey.generate(2048)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        known = tmp_path / "known_hosts"
        known.write_text(f"[127.0.0.1]:{port} {host_key.get_name()} {host_key.get_base64()}\n")
        transports: list[paramiko.Transport] = []

        def serve() -> None:
            transport = paramiko.Transport(listener.accept()[0])
            transports.append(transport)
            transport.set_log_channel("paramiko.sfr")
            transport.add_server_key(host_key)
            transport.start_server(event=threading.Event(), server=_PasswordServer())

        thread = threading.Thread(target=serve)
        thread.start()
        settings = {"host": "127.0.0.1", "port": port, "username": "reader", "password": Secret(password)}
        with pytest.raises(DeliveryError) as failed:
            make({**settings, "known_hosts": str(known)}, connect_timeout_s=3).check()
        thread.join()
        for transport in transports:
            transport.close()

    assert ("refused the log-in" in failed.value.message) == (said == "refused the log-in")
    assert "canary" not in failed.value.message


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "`private_key_file`, `password`"),
        ({"private_key_passphrase": Secret("x"), "password": Secret("y")}, "goes with"),
        ({"password": Secret("y"), "port": 0}, "greater than"),
        ({"password": Secret("y"), "host": "sftp://h"}, "a host name"),
        ({"password": Secret("y"), "directory": "~/in"}, "relative to the home"),
    ],
)
def test_wrong_settings_are_refused(options: dict[str, Any], said: str) -> None:
    """Before anything is fetched."""
    with pytest.raises(ValidationError, match=said):
        make({"host": "h", "username": "u", **options})


def test_disk_full_on_the_server_is_a_failure(tmp_path: Path) -> None:
    """The old file stays; the message holds the server's word for it, and what it may mean."""
    with mounting(tmp_path) as mount, SftpServer(mount("small", MB) / "server") as server:
        (server.inbox / "Open Pipeline.csv").write_bytes(b"old")
        with pytest.raises(DeliveryError, match=r"no more than `Failure`: its disk may be full|No space"):
            make(server.settings()).deliver(proved(tmp_path, LARGE), attempt())
        assert server.files == {"Open Pipeline.csv": b"old"}


def test_link_in_the_place_of_the_temporary_file_is_not_followed(server: SftpServer, tmp_path: Path) -> None:
    """Whoever may write to the directory could else have any file of SFR's user overwritten."""
    other = tmp_path / "other"
    other.write_bytes(b"other")
    (server.inbox / ".Open Pipeline.csv.part").symlink_to(other)

    make(server.settings()).deliver(proved(tmp_path, b"new"), attempt())

    assert other.read_bytes() == b"other"
    assert server.files == {"Open Pipeline.csv": b"new"}


@pytest.mark.parametrize("is_asked", [True, False], ids=["size confirmed", "not confirmed"])
def test_temporary_file_that_cannot_be_removed_stops_no_delivery(tmp_path: Path, is_asked: bool) -> None:
    """The server removes nothing, and a lost session left its part: the new one has another name, and is renamed."""
    with SftpServer(tmp_path / "server", "-P remove") as server:
        left = server.inbox / ".Open Pipeline.csv.part"
        left.write_bytes(b"left")

        for content in (b"old", b"new"):
            make(server.settings(confirm_size=is_asked)).deliver(proved(tmp_path, content), attempt())

        assert server.files == {left.name: b"left", "Open Pipeline.csv": b"new"}


def test_server_that_falls_silent_before_the_upload_is_waited_for_once(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No other name is tried: that is for servers that refuse the first one."""
    opened: list[str] = []
    monkeypatch.setattr(paramiko.SFTPClient, "open", lambda _client, path, _mode: opened.append(path))
    stopped: list[psutil.Process] = []
    real_remove = paramiko.SFTPClient.remove

    def remove(client: paramiko.SFTPClient, path: str) -> None:
        for process in psutil.Process(server.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # a session of an earlier test
                process.suspend()
                stopped.append(process)
        real_remove(client, path)

    monkeypatch.setattr(paramiko.SFTPClient, "remove", remove)
    try:
        with pytest.raises(DeliveryError) as failed:
            make(server.settings(), idle_timeout_s=0.5).deliver(proved(tmp_path, b"new"), attempt())
    finally:
        for process in stopped:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()

    assert (failed.value.is_transient, failed.value.is_unreachable) == (True, True)
    assert opened == []
    assert still_running(stopped, 30) == []


def test_directory_in_the_place_of_the_temporary_file_stops_no_delivery(server: SftpServer, tmp_path: Path) -> None:
    """It stays."""
    (server.inbox / ".Open Pipeline.csv.part").mkdir()

    make(server.settings()).deliver(proved(tmp_path, b"new"), attempt())

    assert server.files == {"Open Pipeline.csv": b"new"}


def test_directory_that_is_read_only_is_a_failure_that_concerns_the_report(tmp_path: Path) -> None:
    """With the server's word for it; the file that is there stays."""
    with SftpServer(tmp_path / "server", "-R") as server:
        (server.inbox / "Open Pipeline.csv").write_bytes(b"old")
        with pytest.raises(DeliveryError, match="ermission denied") as failed:
            make(server.settings()).deliver(proved(tmp_path, b"new"), attempt())

        assert (failed.value.is_transient, failed.value.is_unreachable) == (False, False)
        assert server.files == {"Open Pipeline.csv": b"old"}
