"""Report files in every format, as a run leaves them, read back by programs that others wrote."""

from __future__ import annotations

import csv
import importlib
import io
import json
import shutil
import subprocess
import sys

import pytest

from tests.e2e.conftest import row

#: Cells with line ends, quotes, footers and several scripts; grouped rows; no rows at all.
NAMES = ("Awkward Cells", "Accounts by City", "Deals by Stage", "Lapsed Contracts")


def _module(*names):
    """The first of these modules that is there; without any the test is skipped."""
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    pytest.skip(f"there is no {' or '.join(names)}")


def _printed_by(*command):
    """What a program writes to stdout; without the program the test is skipped."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"there is no {command[0]}")
    return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout


def _records(text):
    return [record for record in csv.reader(io.StringIO(text.decode(), newline="")) if record]


def _of_json_lines(lines):
    objects = [json.loads(line) for line in lines]
    return [list(objects[0]), *([*each.values()] for each in objects)] if objects else []


def by_gzip(path):
    """GNU gzip, which checks length and CRC."""
    return _records(_printed_by("gzip", "-dc", str(path)))


def by_zstd_program(path):
    """The zstd program, which checks the frame's checksum."""
    return _records(_printed_by("zstd", "-dcq", str(path)))


def by_zstd_module(path):
    """Python's own Zstandard, or its backport."""
    return _records(_module("compression.zstd", "backports.zstd").decompress(path.read_bytes()))


def by_jq(path):
    """jq, which refuses what is no JSON."""
    return _of_json_lines(_printed_by("jq", "-c", ".", str(path)).splitlines())


def by_json(path):
    """Python's json, line by line."""
    return _of_json_lines(path.read_bytes().splitlines())


def by_pyarrow(path):
    """pyarrow, every page with its checksums as far as it has them."""
    table = _module("pyarrow.parquet").read_table(path)
    return [table.column_names, *(list(each.values()) for each in table.to_pylist())]


def by_openpyxl(path):
    """openpyxl; a cell that is not there is an empty text."""
    (sheet,) = _module("openpyxl").load_workbook(path).worksheets
    return [["" if cell is None else cell for cell in cells] for cells in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("csv.gz", by_gzip),
        ("csv.zst", by_zstd_program),
        ("csv.zst", by_zstd_module),
        ("jsonl", by_jq),
        ("jsonl", by_json),
        ("parquet", by_pyarrow),
        ("xlsx", by_openpyxl),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_format_holds_the_report_when_read_by_another_program(org, job, expected, form, read):
    """Labels and records are those of the CSV export; every value is its text; nothing but the files is left."""
    if form == "csv.zst":
        _module("compression.zstd", "backports.zstd")
    if form == "parquet":
        _module("pyarrow")
    if form == "xlsx":
        _module("xlsxwriter")
    reports = [row(name, org.report(name).id, format=form) for name in NAMES]
    job.configure(org.url, {"sid": {"value": org.sid}}, reports)

    ended = job.run()

    assert ended.code == 0, ended.stdout + ended.stderr
    for name in NAMES:
        found, wanted = read(job.output / f"{name}.{form}"), _records(expected(name))
        assert found == (wanted if found or form != "jsonl" else []), name
        assert job.reports()[name]["rows"] == len(wanted) - 1
    assert not list(job.output.glob(".sfr-*.part"))


@pytest.mark.parametrize(
    ("form", "module"), [("parquet", "pyarrow"), ("xlsx", "xlsxwriter"), ("csv.zst", "backports.zstd")]
)
def test_missing_extra_ends_with_2_and_names_the_command(org, job, form, module):
    """Nothing is fetched; the message holds what to type."""
    if form == "csv.zst" and sys.version_info >= (3, 14):
        pytest.skip("this Python has Zstandard")
    (job.directory / "sitecustomize.py").write_text(f"import sys\nsys.modules[{module!r}] = None\n")
    job.environ["PYTHONPATH"] = str(job.directory)
    job.for_org(org, "Deals by Stage", output={"format": form})
    org.requests.clear()

    ended = job.run()

    assert ended.code == 2
    assert f"pip install 'sfr[{form.removeprefix('csv.').replace('zst', 'zstd')}]'" in ended.stderr
    assert not org.requests.records()
