"""Checks of this machine by `sfr doctor`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sfr.commands.health.base import Status
from sfr.commands.health.machine import check_disk, check_lock


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps semaphores in a directory")
def test_disk_check_fails_when_dev_shm_is_not_writable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The workers' queue needs it: without it every report would end as `worker`."""
    set_up: Any = SimpleNamespace(config=SimpleNamespace(output=SimpleNamespace(directory=str(tmp_path))), reports=[])
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != "/dev/shm" and access(path, mode))

    finding = check_disk(set_up)

    assert finding.status is Status.FAIL
    assert finding.message == "may not be written to: /dev/shm"


def test_disk_check_fails_when_the_output_directory_is_a_file(tmp_path: Path) -> None:
    """The directory above it, where there is space, is not where reports would go."""
    file = tmp_path / "reports.csv"
    file.touch()
    output = SimpleNamespace(directory=str(file / "sales"))
    lock_path = str(file / "sales" / ".sfr" / "lock")
    set_up: Any = SimpleNamespace(config=SimpleNamespace(output=output, lock_path=lock_path), reports=[])

    finding = check_disk(set_up)

    assert finding.status is Status.FAIL
    assert finding.message == f"not a directory: {file}"
    assert check_lock(set_up).status is Status.SKIP
