"""Which directories modules are searched in."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr.search_path import PROGRAM_DIRECTORY, without_working_directory


def test_working_directory_leaves_the_search_path_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Empty, a dot, absolute, by a symlink; what lies below it and everything else stays, in order."""
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to("work")
    monkeypatch.chdir(tmp_path / "work")
    here = str(tmp_path / "work")

    found = without_working_directory(
        ["", ".", here, f"{here}/", str(tmp_path / "link"), f"{here}/.venv/site-packages", "/usr/lib/python3"]
    )

    assert found == [f"{here}/.venv/site-packages", "/usr/lib/python3"]


def test_program_is_found_in_the_working_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkout is run from where it lies."""
    monkeypatch.chdir(PROGRAM_DIRECTORY)

    assert without_working_directory(["", "/usr/lib/python3"]) == [PROGRAM_DIRECTORY, "/usr/lib/python3"]


def test_working_directory_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody removed it: only the entry that denotes it is removed."""
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert without_working_directory(["", "/usr/lib/python3"]) == ["/usr/lib/python3"]
