"""Time zones that this machine does not know are not UTC without a word."""

import os
import subprocess
import sys

import pytest

from sfr.config.time_zone import doubt_about_local_zone


@pytest.mark.parametrize("name", ["Nowhere/Land", "Berlin", "Europe", "Europe/Berln", ":Nowhere", "CET+"])
def test_doubt_about_local_zone_warns_of_a_name_that_the_machine_does_not_know(tmp_path, name):
    """The C library takes UTC for it."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe/Berlin").touch()

    doubt = doubt_about_local_zone({"TZ": name, "TZDIR": str(tmp_path)})

    assert "UTC" in doubt
    assert f"'{name}'" in doubt


@pytest.mark.parametrize(
    "name",
    ["Europe/Berlin", ":Europe/Berlin", "", "UTC", "GMT", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3", "EST5EDT", "UTC+3"],
)
def test_doubt_about_local_zone_says_nothing_about_what_the_c_library_takes(tmp_path, name):
    """Names with a file, and zones that are described."""
    (tmp_path / "Europe").mkdir()
    (tmp_path / "Europe/Berlin").touch()

    assert doubt_about_local_zone({"TZ": name, "TZDIR": str(tmp_path)}) is None


def test_doubt_about_local_zone_says_to_install_tzdata_where_there_is_no_database(tmp_path):
    """As in small containers, where TZ is often set."""
    assert "tzdata" in doubt_about_local_zone({"TZ": "Europe/Berlin", "TZDIR": str(tmp_path / "none")})


def test_find_zone_says_to_install_tzdata_where_there_is_no_database(tmp_path):
    """Another name would not help."""
    code = (
        "from sfr.config.time_zone import find_zone\ntry: find_zone('Europe/Berlin')\nexcept ValueError as e: print(e)"
    )
    # A path of its own keeps a package `tzdata` of this environment out.
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={**os.environ, "PYTHONTZPATH": str(tmp_path), "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )

    assert "tzdata" in done.stdout
    assert "PYTHONTZPATH" in done.stdout
