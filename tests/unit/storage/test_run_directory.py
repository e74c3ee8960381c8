"""The lock of an output directory, and the sweep of what dead runs left behind."""

import errno
import os
from pathlib import Path

import pytest

from sfr.errors import RunActiveError
from sfr.storage.run_directory import RunDirectory, temporary_prefix


def test_run_directory_refuses_a_second_run_while_the_first_holds_the_lock(tmp_path):
    """The message names the directory and what to do."""
    with RunDirectory(str(tmp_path), "one"), pytest.raises(RunActiveError, match=r"output\.directory"):
        RunDirectory(str(tmp_path), "two").__enter__()

    with RunDirectory(str(tmp_path), "three"):
        pass


def test_run_directory_that_cannot_be_read_leaves_the_sweep_to_the_next_run(tmp_path, monkeypatch, caplog):
    """A failing disk shows in the reports, if they meet it, not as a crash before the first of them."""

    def unreadable(_directory):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with RunDirectory(str(tmp_path), "one") as directory:
        monkeypatch.setattr(os, "listdir", unreadable)
        directory.sweep()

    assert "Input/output error" in caplog.text


def test_run_directory_removes_its_own_temporaries_at_the_end(tmp_path):
    """Temporary files and the cleanup record are removed at the end of the run; reports stay."""
    reports = tmp_path / "reports"
    reports.mkdir()
    with RunDirectory(str(tmp_path), "one") as directory:
        directory.record_directories([str(reports)])
        (reports / f"{temporary_prefix('one')}1-1.part").touch()
        (reports / "report.csv").touch()

    assert ["report.csv"] == [path.name for path in reports.iterdir()]
    assert ["lock"] == [path.name for path in (tmp_path / ".sfr").iterdir()]


def test_run_directory_leaves_no_record_of_a_directory_below_a_file(tmp_path, caplog):
    """No temporary file can be there; a record of it would cost a warning in every later run."""
    (tmp_path / "file").touch()
    with RunDirectory(str(tmp_path), "one") as directory:
        directory.record_directories([str(tmp_path / "file" / "reports")])

    assert ["lock"] == [path.name for path in (tmp_path / ".sfr").iterdir()]
    assert caplog.records == []


def test_run_directory_sweeps_what_a_killed_run_recorded_and_nothing_else(tmp_path):
    """Only runs with a record in this output directory are swept, in the directories recorded."""
    reports, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    for path in (reports, elsewhere):
        path.mkdir()
        for run_id in ("dead", "alive"):
            (path / f"{temporary_prefix(run_id)}1-1.part").touch()
    killed = RunDirectory(str(tmp_path), "dead")
    killed.path.mkdir()
    killed.record_directories([str(reports)])

    with RunDirectory(str(tmp_path), "next") as directory:
        directory.sweep()

    assert [f"{temporary_prefix('alive')}1-1.part"] == [path.name for path in reports.iterdir()]
    assert len(list(elsewhere.iterdir())) == 2
    assert ["lock"] == [path.name for path in killed.path.iterdir()]


@pytest.mark.parametrize("record", ["", "{", "[1]", "null", '["/nowhere"]', '["\\u0000"]'])
def test_run_directory_continues_when_a_record_is_damaged(tmp_path, record):
    """A record that cannot be read costs one warning, not the run, and not one every night."""
    state = tmp_path / ".sfr"
    state.mkdir()
    (state / "run-dead").write_text(record)

    with RunDirectory(str(tmp_path), "next") as directory:
        directory.sweep()

    assert ["lock"] == os.listdir(state)


def test_run_directory_continues_when_nothing_can_be_written_into_it(tmp_path, monkeypatch, caplog):
    """On a full disk the lock holds without saying whose it is, and what the run leaves is removed by itself."""
    reports = tmp_path / "reports"
    reports.mkdir()

    def fail(*arguments, **names):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with RunDirectory(str(tmp_path), "one") as directory:
        directory.record_directories([str(reports)])
        assert ["lock"] == os.listdir(directory.path)
        (reports / f"{temporary_prefix('one')}1-1.part").touch()

    assert os.listdir(reports) == []
    assert "(No space left on device)" in caplog.text


def test_run_directory_frees_the_lock_when_a_record_cannot_be_removed(tmp_path, monkeypatch, caplog):
    """What fails in cleaning up changes nothing of the run's outcome; the next run cleans up."""

    def fail(path, missing_ok=False):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with RunDirectory(str(tmp_path), "one") as directory:
        directory.record_directories([str(tmp_path)])
        monkeypatch.setattr(Path, "unlink", fail)
    monkeypatch.undo()
    assert "cannot remove the cleanup record" in caplog.text.lower()

    with RunDirectory(str(tmp_path), "two") as directory:
        directory.sweep()
    assert ["lock"] == os.listdir(tmp_path / ".sfr")


@pytest.mark.parametrize("is_killed", [False, True], ids=["its own", "a dead run's"])
def test_run_directory_leaves_it_to_the_next_run_when_a_temporary_cannot_be_removed(
    tmp_path, monkeypatch, caplog, is_killed
):
    """The record stays while a file is left in its directories, of this run or of one that was killed."""
    reports = tmp_path / "reports"
    reports.mkdir()
    temporary = reports / f"{temporary_prefix('one')}1-1.part"

    def fail(path, **_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    if is_killed:
        killed = RunDirectory(str(tmp_path), "one")
        killed.path.mkdir()
        killed.record_directories([str(reports)])
        temporary.touch()
        with monkeypatch.context() as patch:
            patch.setattr(os, "unlink", fail)
            with RunDirectory(str(tmp_path), "two") as directory:
                directory.sweep()
    else:
        with monkeypatch.context() as patch, RunDirectory(str(tmp_path), "one") as directory:
            directory.record_directories([str(reports)])
            temporary.touch()
            patch.setattr(os, "unlink", fail)
    assert temporary.exists()
    assert "(Input/output error); the next run will try again" in caplog.text

    with RunDirectory(str(tmp_path), "three") as directory:
        directory.sweep()
    assert os.listdir(reports) == []
    assert ["lock"] == os.listdir(tmp_path / ".sfr")


def test_run_directory_is_left_in_order_when_closing_the_lock_reports_an_error(tmp_path):
    """A failing disk may say so only at the close, which frees the lock all the same: no traceback at the very end."""
    with RunDirectory(str(tmp_path), "one") as directory:
        os.close(directory._lock)

    with RunDirectory(str(tmp_path), "two"):
        pass
