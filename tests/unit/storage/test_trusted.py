"""sfr.storage.trusted: other users cannot substitute SFR's files, and opening one never blocks."""

import errno
import os
import socket
import stat
from contextlib import contextmanager

import pytest

from sfr.storage import trusted
from sfr.storage.errors import UntrustedFileError

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")

OTHER_UID = 65534
SECRET = b"private"
needs_root = pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() != 0, reason="needs root, to be another user")


@contextmanager
def umask(mask):
    """Take these permissions from what is made inside the block."""
    former = os.umask(mask)
    try:
        yield
    finally:
        os.umask(former)


@pytest.fixture
def secret(tmp_path):
    """A file that is not to be touched."""
    path = tmp_path / "secret"
    path.write_bytes(SECRET)
    return path


def plant(kind, path, secret):
    """Put something under a name of SFR's."""
    match kind:
        case "a symbolic link":
            path.symlink_to(secret)
        case "a hard link":
            os.link(secret, path)
        case "a named pipe":
            os.mkfifo(path)
        case "a directory":
            path.mkdir()
        case "a socket":
            with socket.socket(socket.AF_UNIX) as made:
                made.bind(str(path))


KINDS = ("a symbolic link", "a hard link", "a named pipe", "a directory", "a socket")


@pytest.mark.parametrize("flags", [os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_RDWR], ids=["read", "append", "both"])
@pytest.mark.parametrize("kind", KINDS)
def test_open_own_refuses_what_is_no_file_of_ours(tmp_path, secret, kind, flags):
    """At once, and nothing is changed."""
    path = tmp_path / "lock"
    plant(kind, path, secret)
    before = os.lstat(path)
    with pytest.raises((UntrustedFileError, IsADirectoryError)):
        trusted.open_or_create(str(path), flags)

    assert secret.read_bytes() == SECRET
    assert os.lstat(path).st_ino == before.st_ino


@pytest.mark.parametrize("kind", KINDS[:3])
def test_open_own_names_what_it_found(tmp_path, secret, kind):
    """In words, with something to do."""
    plant(kind, tmp_path / "x", secret)
    with pytest.raises(UntrustedFileError, match=kind) as caught:
        trusted.open_own(str(tmp_path / "x"), os.O_RDWR)

    assert "remove it" in caught.value.remedy


@needs_root
def test_open_own_refuses_another_users_file(tmp_path):
    """It names both users."""
    path = tmp_path / "x"
    path.write_bytes(b"theirs")
    os.chown(path, OTHER_UID, -1)
    with pytest.raises(UntrustedFileError, match=rf"uid {OTHER_UID}.*uid 0"):
        trusted.open_own(str(path))
    assert os.listdir(tmp_path) == ["x"]


@needs_root
def test_open_own_takes_what_belongs_to_whom_the_file_system_makes_the_owner(tmp_path, monkeypatch):
    """SMB, exFAT and NFS may give all files to one user: there the owner of what we make is ours."""
    path = tmp_path / "x"
    path.write_bytes(b"ours")
    os.chown(path, OTHER_UID, -1)
    real_create = trusted._create

    def made(name, flags, mode):
        descriptor = real_create(name, flags, mode)
        os.fchown(descriptor, OTHER_UID, -1)
        return descriptor

    monkeypatch.setattr(trusted, "_create", made)
    assert trusted.read_own(str(path), 100) == b"ours"
    assert os.listdir(tmp_path) == ["x"]


def test_read_own_refuses_what_is_too_large(tmp_path):
    """A file that grows without end fills no memory."""
    (tmp_path / "x").write_bytes(bytes(11))
    with pytest.raises(UntrustedFileError, match="11 bytes"):
        trusted.read_own(str(tmp_path / "x"), 10)


def test_create_private_never_opens_a_file_that_is_there(tmp_path, secret, monkeypatch):
    """Not even by accident: another name is tried, and in the end it is an error."""
    (tmp_path / "x-taken.part").symlink_to(secret)
    monkeypatch.setattr(trusted, "random_part", lambda: "taken")
    with pytest.raises(FileExistsError):
        trusted.create_private(str(tmp_path / "x-"))

    assert secret.read_bytes() == SECRET


def test_create_private_gives_names_that_differ(tmp_path):
    """64 random bits, so that the name cannot be guessed."""
    parts = {trusted.random_part() for _ in range(100)}
    assert len(parts) == 100
    assert {len(part) for part in parts} == {16}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o777])
def test_permissions_do_not_follow_from_the_umask(tmp_path, mask):
    """Files and directories, those above included."""
    with umask(mask):
        trusted.make_directories(str(tmp_path / "a" / "b"))
        descriptor, made = trusted.create_private(str(tmp_path / "a" / "b" / "x-"))
        os.close(descriptor)
        os.close(trusted.open_or_create(str(tmp_path / "log"), os.O_WRONLY, 0o640))

    modes = [stat.S_IMODE(os.stat(path).st_mode) for path in (tmp_path / "a", tmp_path / "a" / "b", made)]
    assert modes == [0o750, 0o750, 0o600]
    assert stat.S_IMODE((tmp_path / "log").stat().st_mode) == 0o640


def test_directory_keeps_the_group_that_the_one_above_hands_on(tmp_path):
    """`chmod g+s`, as report directories of a group have it."""
    tmp_path.chmod(0o2770)
    with umask(0o077):
        trusted.make_directories(str(tmp_path / "a"))

    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o2750


@pytest.mark.parametrize("mode", [0o770, 0o777, 0o2770])
def test_secure_directory_takes_it_back_from_others(tmp_path, mode):
    """What others have put into it is looked at when it is opened."""
    (tmp_path / ".sfr").mkdir()
    (tmp_path / ".sfr").chmod(mode)
    trusted.secure_directory(str(tmp_path / ".sfr"))

    assert stat.S_IMODE((tmp_path / ".sfr").stat().st_mode) & 0o777 == 0o750


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, 0])
@pytest.mark.parametrize("takes_permissions", [True, False])
def test_secure_directory_is_used_as_it_is_only_where_permissions_mean_nothing(
    tmp_path, monkeypatch, code, takes_permissions
):
    """A share that shows 0777 for everything is accepted; elsewhere the user has to correct it."""
    (tmp_path / ".sfr").mkdir()
    (tmp_path / ".sfr").chmod(0o777)

    def fchmod(descriptor, mode):
        if code:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fchmod", fchmod)
    if takes_permissions:
        with pytest.raises(UntrustedFileError, match="others may write"):
            trusted.secure_directory(str(tmp_path / ".sfr"))
    else:
        real_open = os.open
        monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: real_open(path, flags, mode | 0o066))
        with umask(0):
            trusted.secure_directory(str(tmp_path / ".sfr"))
    assert os.listdir(tmp_path / ".sfr") == []


@pytest.mark.parametrize("kind", ["a symbolic link", "a named pipe", "a regular file"])
def test_secure_directory_refuses_what_is_no_directory(tmp_path, secret, kind):
    """In words."""
    if kind == "a regular file":
        (tmp_path / ".sfr").write_bytes(b"")
    else:
        (tmp_path / "elsewhere").mkdir()
        plant(kind, tmp_path / ".sfr", tmp_path / "elsewhere")
    with pytest.raises((UntrustedFileError, FileExistsError)):
        trusted.secure_directory(str(tmp_path / ".sfr"))


def test_open_report_follows_links_and_waits_for_nothing(tmp_path, secret):
    """A report's path may pass links; a pipe in its place must not stop a run."""
    (tmp_path / "link").symlink_to(secret)
    with open(trusted.open_report(str(tmp_path / "link")), "rb") as file:
        assert file.read() == SECRET
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UntrustedFileError, match="named pipe"):
        trusted.open_report(str(tmp_path / "pipe"))


def test_refusals_leave_no_descriptor_open(tmp_path, secret):
    """A long run refuses the same thing many times."""
    plant("a hard link", tmp_path / "x", secret)
    os.mkfifo(tmp_path / "pipe")
    before = os.listdir("/dev/fd")
    for call in (trusted.open_own, trusted.open_report, trusted.secure_directory):
        for name in ("x", "pipe"):
            try:
                os.close(call(str(tmp_path / name)))
            except OSError:
                pass
    assert len(os.listdir("/dev/fd")) == len(before)
