"""Atomic files: the destination holds the whole old or the whole new bytes, whatever call fails."""

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from sfr.storage import trusted
from sfr.storage.atomic import AtomicFile, remove_quietly, sync_directory, write_atomically, write_new

ROOT = Path(__file__).parents[3]
OLD, NEW = b"old", b"new content"


@pytest.fixture
def target(tmp_path):
    """A destination that holds the old bytes."""
    path = tmp_path / "target"
    path.write_bytes(OLD)
    return path


def failing(code):
    """A system call that fails."""

    def call(*arguments, **names):
        raise OSError(code, os.strerror(code))

    return call


def test_write_atomically_replaces_the_content_and_sets_the_mode(target):
    """New bytes, the requested permissions, nothing left beside it."""
    write_atomically(str(target), NEW, 0o604)

    assert target.read_bytes() == NEW
    assert stat.S_IMODE(target.stat().st_mode) == 0o604
    assert os.listdir(target.parent) == ["target"]


def test_write_atomically_works_for_a_name_in_the_working_directory(tmp_path, monkeypatch):
    """A path without a directory."""
    monkeypatch.chdir(tmp_path)
    write_atomically("name", b"")

    assert (tmp_path / "name").read_bytes() == b""


@pytest.mark.parametrize("directory", [".", "below", "absolute"])
def test_write_atomically_writes_beside_the_destination_and_syncs_its_directory(tmp_path, monkeypatch, directory):
    """Another directory may be on another disk, or not be swept; and only the right one's sync keeps the new name."""
    monkeypatch.chdir(tmp_path)
    directory = str(tmp_path) if directory == "absolute" else directory
    name = "name" if directory == "." else f"{directory}/name"
    os.makedirs(directory, exist_ok=True)
    real_replace, real_fsync, replaced, synced = os.replace, os.fsync, [], []
    monkeypatch.setattr(os, "replace", lambda old, new: (replaced.append(old), real_replace(old, new)))
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_ino), real_fsync(fd)))
    write_atomically(name, NEW)

    assert [directory] == [os.path.dirname(old) for old in replaced]
    assert [os.stat(name).st_ino, os.stat(directory).st_ino] == synced


def test_write_atomically_lets_the_group_read_and_nobody_else_when_no_mode_is_given(tmp_path):
    """0640, as the configuration's default."""
    write_atomically(str(tmp_path / "name"), NEW)

    assert stat.S_IMODE((tmp_path / "name").stat().st_mode) == 0o640


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fchmod", "posix_fallocate", "close"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_write_atomically_leaves_the_old_file_when_a_call_fails(target, monkeypatch, call, code):
    """No torn file, no temporary file, and the error is passed on."""
    real_close = os.close
    monkeypatch.setattr(os, call, failing(code))
    if call == "close":
        monkeypatch.setattr(os, "close", lambda descriptor: (real_close(descriptor), failing(code)()))
    with pytest.raises(OSError, match=os.strerror(code)):
        write_atomically(str(target), NEW)
    monkeypatch.undo()

    assert target.read_bytes() == OLD
    assert os.listdir(target.parent) == ["target"]


def test_write_atomically_fails_when_the_directory_is_missing(tmp_path):
    """Directories are made by those who know them."""
    with pytest.raises(FileNotFoundError):
        write_atomically(str(tmp_path / "none" / "name"), NEW)


def test_write_atomically_goes_without_reserving_when_the_file_system_cannot(target, monkeypatch):
    """Early ENOSPC is a kindness, not a need."""
    monkeypatch.setattr(os, "posix_fallocate", failing(errno.EOPNOTSUPP))
    write_atomically(str(target), NEW)
    monkeypatch.setattr("sfr.storage.atomic.sys", SimpleNamespace(platform="darwin"))
    write_atomically(str(target), NEW + NEW)

    assert target.read_bytes() == NEW + NEW


def test_write_atomically_reserves_all_its_space_before_it_writes(target, monkeypatch):
    """A disk that is too full says so before anything is written."""
    asked = []
    monkeypatch.setattr(
        os, "posix_fallocate", lambda fd, start, size: asked.append((start, size, os.fstat(fd).st_size))
    )
    write_atomically(str(target), NEW)

    assert asked == [(0, len(NEW), 0)]


def test_file_leaves_no_descriptor_open_however_it_ends(target):
    """A long run puts thousands of files in place."""
    before = os.listdir("/dev/fd")
    write_atomically(str(target), NEW)
    with AtomicFile(str(target) + ".part", mode=0o600):
        pass

    assert os.listdir("/dev/fd") == before


def test_remove_quietly_takes_nothing_and_what_is_gone(tmp_path):
    """A body that was small enough for memory had no spool file."""
    remove_quietly(None)
    remove_quietly(str(tmp_path / "gone"))


def test_file_is_written_whole_when_the_system_takes_a_part_at_a_time(target, monkeypatch):
    """A short write is no error, and not the end."""
    real_write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, block: real_write(descriptor, bytes(block[:3])))
    write_atomically(str(target), NEW)

    assert target.read_bytes() == NEW


def test_file_warns_when_only_the_directory_cannot_be_synced(target, monkeypatch):
    """The new file is in place by then: that is no failure of the report."""
    real_fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda fd: failing(errno.EIO)() if stat.S_ISDIR(os.fstat(fd).st_mode) else real_fsync(fd)
    )
    with AtomicFile(str(target) + ".part", mode=0o600) as file:
        file.write(NEW)
        warning = file.replace(str(target))

    assert "could not be synced" in warning
    assert target.read_bytes() == NEW


def test_directory_sync_is_skipped_where_the_file_system_cannot(tmp_path, monkeypatch):
    """Some network file systems refuse it."""
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    sync_directory(str(tmp_path))


def test_file_left_without_replace_leaves_nothing(target):
    """Leaving the block early, by an exception or not, removes the temporary file."""
    with AtomicFile(str(target) + ".part", mode=0o600) as file:
        file.write(NEW)
    with pytest.raises(ZeroDivisionError), AtomicFile(str(target) + ".part", mode=0o600):
        raise ZeroDivisionError

    assert os.listdir(target.parent) == ["target"]


def test_file_leaves_its_old_name_alone_once_it_is_in_place(target):
    """Whatever is made under that name afterwards is somebody else's."""
    with AtomicFile(str(target) + "-", mode=0o600) as file:
        part = Path(file.temporary_path)
        file.replace(str(target))
        part.write_bytes(OLD)

    assert part.read_bytes() == OLD


def test_file_left_without_replace_leaves_nothing_when_standard_input_was_closed(tmp_path):
    """Its descriptor is 0 then, as good as any other."""
    standard_input = os.dup(0)
    os.close(0)
    try:
        with AtomicFile(str(tmp_path / "x-"), mode=0o600) as file:
            assert os.path.samestat(os.fstat(0), os.stat(file.temporary_path))
    finally:
        os.dup2(standard_input, 0)
        os.close(standard_input)

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("call", ["close", "unlink"])
def test_file_raises_the_original_error_when_cleaning_up_fails_too(tmp_path, monkeypatch, call):
    """A truncated report stays `truncated`: it is retried, which a failing disk is not."""

    def give_up():
        with AtomicFile(str(tmp_path / "x.part"), mode=0o600):
            monkeypatch.setattr(os, call, failing(errno.EIO))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        give_up()


def test_file_is_private_until_it_is_in_place(tmp_path):
    """Nobody reads a half-written report."""
    with AtomicFile(str(tmp_path / "x-"), mode=0o644) as file:
        assert stat.S_IMODE(os.stat(file.temporary_path).st_mode) == 0o600


def test_file_never_uses_a_name_that_is_taken(tmp_path, monkeypatch):
    """A leftover, or a link planted by who could guess the name: another name is taken, and nothing is followed."""
    victim = tmp_path / "victim"
    victim.write_bytes(OLD)
    (tmp_path / "x-taken.part").symlink_to(victim)
    parts = iter(["taken", "taken", "free"])
    monkeypatch.setattr(trusted, "random_part", lambda: next(parts))
    with AtomicFile(str(tmp_path / "x-"), mode=0o600) as file:
        assert file.temporary_path == str(tmp_path / "x-free.part")
        file.write(NEW)
        assert file.replace(str(tmp_path / "out")) == ""

    assert victim.read_bytes() == OLD
    assert (tmp_path / "out").read_bytes() == NEW


def test_file_replaces_a_symbolic_link_itself(tmp_path, target):
    """What the link points to may belong to others."""
    link = tmp_path / "link"
    link.symlink_to(target)
    write_atomically(str(link), NEW)

    assert not link.is_symlink()
    assert (link.read_bytes(), target.read_bytes()) == (NEW, OLD)


def test_file_cannot_replace_a_directory(tmp_path):
    """An error, and no leftover."""
    (tmp_path / "directory").mkdir()
    with pytest.raises(IsADirectoryError):
        write_atomically(str(tmp_path / "directory"), NEW)

    assert os.listdir(tmp_path) == ["directory"]


def test_adopted_file_is_extended_cut_and_put_in_place(tmp_path):
    """What a spool file goes through."""
    spool = tmp_path / "spool.part"
    spool.write_bytes(b"data and more")
    with AtomicFile(str(spool), mode=0o640, adopt=True) as file:
        file.append(b"!")
        assert file.size_bytes == 14
        file.truncate(4)
        file.truncate(9)
        file.replace(str(tmp_path / "out"))

    assert (tmp_path / "out").read_bytes() == b"data"


@pytest.mark.parametrize(
    ("there", "size_bytes", "same"),
    [
        (b"abc", 3, True),
        (b"abc", 4, False),
        (b"abX", 3, False),
        (b"", 0, True),
        (b"abcd", 3, False),
        (b"abc and a footer", 16, True),
        (b"abc and a footer, and more", 26, False),
        (None, 3, False),
    ],
)
def test_file_compares_its_first_bytes_with_a_file(tmp_path, there, size_bytes, same):
    """Same size and same bytes, or not the same."""
    if there is not None:
        (tmp_path / "there").write_bytes(there)
    with AtomicFile(str(tmp_path / "x.part"), mode=0o600) as file:
        file.write(b"abc and a footer")
        assert file.matches(str(tmp_path / "there"), size_bytes, lambda: None) is same


def test_file_reports_progress_during_a_comparison(tmp_path):
    """Whoever waits for a worker sees its progress, from the first byte whatever was written last."""
    (tmp_path / "there").write_bytes(bytes(600_000))
    steps = []

    def note() -> None:
        steps.append(1)

    with AtomicFile(str(tmp_path / "x.part"), mode=0o600) as file:
        file.write(bytes(600_000))
        assert file.matches(str(tmp_path / "there"), 600_000, note)

    assert len(steps) > 1


def test_file_is_never_the_same_as_what_is_no_regular_file(tmp_path):
    """A pipe at the destination would block who opens it."""
    os.mkfifo(tmp_path / "pipe")
    with AtomicFile(str(tmp_path / "x.part"), mode=0o600) as file:
        assert not file.matches(str(tmp_path / "pipe"), 0, lambda: None)
        assert not file.matches(str(tmp_path), 0, lambda: None)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_new_file_is_whole_or_not_there_when_the_process_is_killed(tmp_path):
    """A part of a private key would stay for ever: a key is never overwritten."""
    code = (
        "import os, signal, sys; from sfr.storage.atomic import write_new; "
        "os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL); write_new(sys.argv[1], b'key')"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.key")], cwd=ROOT, timeout=30, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]
    write_new(str(tmp_path / "a.key"), b"key")
    assert (tmp_path / "a.key").read_bytes() == b"key"


@pytest.mark.parametrize("has_links", [True, False])
def test_new_file_never_takes_a_name_that_is_there(tmp_path, monkeypatch, has_links):
    """Also one that appears while it is written, and where the file system has no hard links."""
    if not has_links:
        monkeypatch.setattr(os, "link", _without_links)
    path = tmp_path / "a"
    write_new(str(path), b"one", 0o640)
    assert path.read_bytes() == b"one"
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o640
    with monkeypatch.context() as patched:
        patched.setattr(os.path, "lexists", lambda path: False)
        with pytest.raises(FileExistsError) as caught:
            write_new(str(path), b"two")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [path]


def _without_links(source, _target):
    raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), source)
