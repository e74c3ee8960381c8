"""The benchmarks run from end to end on tiny data, and what they measure with is right. They prove no target."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from benchmarks import report_sets
from benchmarks.nginx_server import nginx_program
from benchmarks.process_run import Command, timed
from benchmarks.results import Figure, RowResult, Target

CHECKOUT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmarks read /proc")


def _require_tools() -> None:
    missing = [name for name, path in (("nginx", nginx_program()), ("curl", shutil.which("curl"))) if path is None]
    if missing and "CI" in os.environ:
        pytest.fail(f"not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.mark.timeout(330)
def test_benchmarks_write_table_json_and_plot_when_run_on_tiny_data(tmp_path: Path) -> None:
    """Every program fetches every report, and the three files of results can be read."""
    _require_tools()
    target = tmp_path / "results"
    rows = ["gzip-wide-tls", "formats", "memory", "small-4", "uneven"]
    options = ["--scale", "0.0005", "--rounds", "1", "--patience", "0", "--output", str(target)]

    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", *rows, *options],
        cwd=CHECKOUT,
        env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert ended.returncode in (0, 1), ended.stderr  # 1: a target missed, which says nothing here
    results = json.loads((target / "results.json").read_text())
    assert [row["name"] for row in results["rows"]] == rows
    assert all(value > 0 for row in results["rows"] for figure in row["figures"] for value in figure["values"])
    assert ElementTree.parse(target / "results.svg").getroot().tag.endswith("svg")
    assert "## gzip-wide-tls" in (target / "results.md").read_text()


def test_benchmarks_end_with_2_when_a_tool_is_missing(tmp_path: Path) -> None:
    """The message names what to install."""
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks", "gzip"],
        cwd=CHECKOUT,
        env={"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 2
    assert "not installed; on Debian" in ended.stderr


def test_report_set_is_made_of_real_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both encodings hold the same text: quoted rows of equal length and the footer, compressing 4 to 8 fold."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    made = report_sets.large_set(0.002)

    report = max(made.reports, key=lambda report: report.body_bytes)
    packed = (made.directory / "gzip" / f"{report.report_id}.gz").read_bytes()
    body = gzip.decompress(packed)
    rows = list(csv.reader(io.StringIO(body.decode(), newline="")))
    assert (made.directory / "identity" / report.report_id).read_bytes() == body
    assert report.body_bytes == len(body)
    assert 4 < len(body) / len(packed) < 8
    assert {13} == {len(row) for row in rows[:-7]}
    assert rows[-7:-5] == [[], []]
    assert body[report.saved_bytes - 1 :].startswith(b"\n\n\n")
    assert made == report_sets.large_set(0.002)


def test_failing_program_stops_the_benchmark(tmp_path: Path) -> None:
    """A run that went wrong is no measurement; the message says what the program said."""
    command = Command((sys.executable, "-c", "raise SystemExit('went wrong')"), tmp_path)

    with pytest.raises(SystemExit, match="went wrong"):
        timed(command)


def test_row_shows_whether_its_targets_are_met() -> None:
    """Upper and lower limits, and the median that they are compared with."""
    row = RowResult(
        "x",
        "x",
        (Figure("x", "s", (3.0, 1.0, 2.0)),),
        (Target("low", 0.4, 0.5), Target("high", 0.4, 0.5, at_most=False)),
    )

    assert row.figures[0].median == 2.0
    assert [target.is_met for target in row.targets] == [True, False]
