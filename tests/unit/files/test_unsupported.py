"""What a file system does not support, by operation and errno: left out, or a reason that says what to do."""

import errno
import logging
import os
from pathlib import Path

import pytest

from sfr.files import locking, unsupported
from sfr.files.atomic import AtomicFile, sync_directory, write_atomically
from sfr.files.errors import UnsupportedError, remedy_of
from sfr.files.left_out import LeftOutWarning, sentence
from sfr.files.unsupported import LIMITATIONS, LOCK, RENAME, SET_MODE, SYNC_DIRECTORY, SYNC_FILE, LeftOut, attempt

ENTRIES = [(entry, code) for entry in LIMITATIONS for code in sorted(entry.errnos)]
IDS = [f"{entry.operation}-{errno.errorcode[code]}" for entry, code in ENTRIES]
#: What no file system means by "not here".
FAILURES = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.ENOMEM)
OPERATIONS = sorted({entry.operation for entry in LIMITATIONS})


def failing(code):
    """A call that fails."""

    def call(*arguments, **names):
        raise OSError(code, os.strerror(code))

    return call


@pytest.mark.parametrize(("entry", "code"), ENTRIES, ids=IDS)
def test_attempt_leaves_out_what_the_table_says_and_explains_the_rest(entry, code):
    """Left out with the system's reason, or an error that carries the remedy; never a silent success."""
    if entry.is_left_out:
        assert attempt(entry.operation, "/share/x", failing(code)) == LeftOut(
            "/share", entry.operation, os.strerror(code)
        )
        return
    with pytest.raises(UnsupportedError, match=os.strerror(code)) as caught:
        attempt(entry.operation, "/share/x", failing(code))
    assert caught.value.errno == code
    assert remedy_of(caught.value) == entry.remedy != ""


@pytest.mark.parametrize("code", FAILURES, ids=[errno.errorcode[code] for code in FAILURES])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_attempt_passes_a_failure_on(operation, code):
    """A full or broken disk is no file system that lacks something, and the advice for it stays."""
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        attempt(operation, "/share/x", failing(code))
    assert not isinstance(caught.value, UnsupportedError)
    assert "space" in remedy_of(caught.value)


def test_no_errno_of_an_operation_has_two_meanings():
    """The first entry would hide the second."""
    assert len({(entry.operation, code) for entry, code in ENTRIES}) == len(ENTRIES)


def test_lock_remedy_says_nothing_about_space():
    """A file system without locks has room enough."""
    remedies = [entry.remedy for entry in LIMITATIONS if entry.operation == LOCK]
    assert all("local disk" in remedy and "space" not in remedy.lower() for remedy in remedies)


@pytest.mark.parametrize(
    ("call", "operation"), [("fchmod", SET_MODE), ("fsync", SYNC_FILE)], ids=["permissions", "syncing"]
)
@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_file_is_in_place_when_its_file_system_does_not_support(tmp_path, monkeypatch, call, operation, code):
    """The content is what counts; what was left out is reported once for the file."""
    reported = []
    monkeypatch.setattr(os, call, failing(code))
    write_atomically(str(tmp_path / "x"), b"new", on_left_out=reported.append)

    assert (tmp_path / "x").read_bytes() == b"new"
    assert len(reported) == 1
    assert operation in {each.operation for each in reported[0]}


def test_file_says_what_to_do_when_it_cannot_be_renamed_over_the_old_one(tmp_path, monkeypatch):
    """The old file stays, no temporary file does."""
    (tmp_path / "x").write_bytes(b"old")
    monkeypatch.setattr(os, "replace", failing(errno.EXDEV))
    with AtomicFile(str(tmp_path / ".sfr-"), mode=0o600) as file, pytest.raises(UnsupportedError) as caught:
        file.replace(str(tmp_path / "x"))

    assert "local disk" in remedy_of(caught.value)
    assert os.listdir(tmp_path) == ["x"]
    assert (tmp_path / "x").read_bytes() == b"old"


def test_busy_old_file_is_said_to_be_open_elsewhere():
    """A spreadsheet program on a share: closing it helps, another disk is not needed."""
    found = unsupported.limitation(RENAME, OSError(errno.EBUSY, "busy"))
    assert found is not None
    assert "another program has it open" in found.meaning


def test_directory_sync_reports_that_it_was_left_out(tmp_path, monkeypatch):
    """By the directory's own name."""
    monkeypatch.setattr(os, "fsync", failing(errno.EINVAL))
    assert sync_directory(str(tmp_path)) == LeftOut(str(tmp_path), SYNC_DIRECTORY, os.strerror(errno.EINVAL))


@pytest.mark.parametrize("code", [errno.EAGAIN, errno.EACCES])
def test_lock_is_held_by_another_when_the_file_system_says_so(tmp_path, monkeypatch, code):
    """SMB answers a conflict with EACCES."""
    fcntl = pytest.importorskip("fcntl")
    monkeypatch.setattr(fcntl, "flock", failing(code))
    with (tmp_path / "lock").open("w") as file:
        assert locking.try_lock(file.fileno(), str(tmp_path / "lock")) is False


def test_run_warns_once_however_many_files_and_workers_it_concerns(caplog):
    """What is new after the first warning goes to the log, below the console's level."""
    caplog.set_level(logging.INFO)
    warn = LeftOutWarning()
    first = tuple(LeftOut("/share", operation, "Not supported") for operation in (SET_MODE, SYNC_FILE))
    for _ in range(3):
        warn(first)
        warn((LeftOut("/other", SYNC_DIRECTORY, "Invalid argument"),))

    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]
    assert "/share" in caplog.text
    assert "permissions (Not supported) and does not sync" in caplog.text


def test_nothing_is_said_where_nothing_follows():
    """Space that cannot be reserved is no loss."""
    assert sentence([LeftOut("/share", unsupported.RESERVE, "Not supported")]) == ""


def test_limitations_are_read_where_workers_may_read_them():
    """Values and functions only: no logging, no paths of a run."""
    assert "logging" not in Path(unsupported.__file__).read_text()
