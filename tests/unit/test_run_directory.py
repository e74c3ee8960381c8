"""The lock of an output directory, and the sweep of what dead runs left behind."""

import pytest

from sfr.errors import RunActiveError
from sfr.run_directory import RunDirectory, temporary_prefix


def test_run_directory_refuses_a_second_run_while_the_first_holds_the_lock(tmp_path):
    """The message names the directory and what to do."""
    with RunDirectory(str(tmp_path), "one"), pytest.raises(RunActiveError, match=r"output\.directory"):
        RunDirectory(str(tmp_path), "two").__enter__()

    with RunDirectory(str(tmp_path), "three"):
        pass


def test_run_directory_removes_its_own_temporaries_at_the_end(tmp_path):
    """Neither temporaries nor the note of where they lie outlive the run; reports do."""
    reports = tmp_path / "reports"
    reports.mkdir()
    with RunDirectory(str(tmp_path), "one") as directory:
        directory.note([str(reports)])
        (reports / f"{temporary_prefix('one')}1-1.part").touch()
        (reports / "report.csv").touch()

    assert ["report.csv"] == [path.name for path in reports.iterdir()]
    assert ["lock"] == [path.name for path in (tmp_path / ".sfr").iterdir()]


def test_run_directory_sweeps_what_a_killed_run_noted_and_nothing_else(tmp_path):
    """Only run ids with a note in this output directory are swept, in the directories of that note."""
    reports, elsewhere = tmp_path / "reports", tmp_path / "elsewhere"
    for path in (reports, elsewhere):
        path.mkdir()
        for run_id in ("dead", "alive"):
            (path / f"{temporary_prefix(run_id)}1-1.part").touch()
    killed = RunDirectory(str(tmp_path), "dead")
    killed.path.mkdir()
    killed.note([str(reports)])

    with RunDirectory(str(tmp_path), "next"):
        pass

    assert [f"{temporary_prefix('alive')}1-1.part"] == [path.name for path in reports.iterdir()]
    assert len(list(elsewhere.iterdir())) == 2
    assert ["lock"] == [path.name for path in killed.path.iterdir()]


@pytest.mark.parametrize("note", ["", "{", "[1]", "null", '["/nowhere"]'])
def test_run_directory_goes_on_when_a_note_is_damaged(tmp_path, note):
    """A note that cannot be read costs a warning, not the run."""
    state = tmp_path / ".sfr"
    state.mkdir()
    (state / "run-dead").write_text(note)

    with RunDirectory(str(tmp_path), "next"):
        pass
