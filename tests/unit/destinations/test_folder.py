"""What the destination `folder` does with things that are in its way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sfr.errors import DeliveryError
from tests.deliveries import attempt, destination, proved


def test_directory_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    """The message names the target: the share itself is a directory, as it should be."""
    target = tmp_path / "share/Open Pipeline.csv"
    target.mkdir(parents=True)

    with pytest.raises(DeliveryError, match=r"cannot write .*/share/Open Pipeline\.csv: Is a directory"):
        destination("folder", path=str(target.parent)).deliver(proved(tmp_path, b"x"), attempt())
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("planted", ["named pipe", "symbolic link"])
def test_what_is_no_file_is_replaced_and_never_written_to(tmp_path: Path, planted: str) -> None:
    """A pipe would wait for its reader, a link would lead elsewhere."""
    target, other = tmp_path / "share/Open Pipeline.csv", tmp_path / "other"
    target.parent.mkdir()
    other.write_bytes(b"other")
    os.mkfifo(target) if planted == "named pipe" else target.symlink_to(other)

    destination("folder", path=str(target.parent)).deliver(proved(tmp_path, b"x"), attempt())
    assert (target.is_symlink(), target.read_bytes(), other.read_bytes()) == (False, b"x", b"other")
