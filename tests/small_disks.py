"""Small file systems in memory, for tests of full disks."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

MB = 1024 * 1024
#: How mount(8) says that this user may not mount.
REFUSALS = ("permission denied", "not permitted", "must be superuser")

Mount = Callable[..., Path]


@contextlib.contextmanager
def mounting(directory: Path) -> Iterator[Mount]:
    """A function that mounts a file system of a size below this directory; all of them go at the end.

    It skips the test where nobody may mount.
    """
    places: list[Path] = []

    def mount(name: str, size_bytes: int = 8 * MB) -> Path:
        place = directory / name
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(place)]
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
        if any(refusal in mounted.stderr.lower() for refusal in REFUSALS):
            pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
        assert mounted.returncode == 0, mounted.stderr
        places.append(place)
        return place

    try:
        yield mount
    finally:
        for place in places:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, *, left_bytes: int = 0) -> Path:
    """Take all space but so much; returns the file that takes it."""
    state, ballast = os.statvfs(place), place / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, state.f_bavail * state.f_frsize - left_bytes)
    return ballast
