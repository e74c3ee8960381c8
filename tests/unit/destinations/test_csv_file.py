"""Report files as a database reads them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.destinations import csv_file
from sfr.destinations.csv_file import CsvFile, NotPlainError
from sfr.errors import DeliveryError
from sfr.formats import FORMATS
from tests.deliveries import attempt, csv_text, proved

CELLS = st.text(st.sampled_from('ab",;\n\r\\.\0 é'), max_size=6)


def blocks_of(opened: CsvFile, monkeypatch: pytest.MonkeyPatch, size_bytes: int) -> bytes | None:
    """The plain text, read in blocks of this size; None if it is not plain."""
    monkeypatch.setattr("sfr.destinations.base.BLOCK_BYTES", size_bytes)
    try:
        return b"".join(opened.plain_blocks(attempt()))
    except NotPlainError:
        return None


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELLS, CELLS), max_size=4), st.integers(1, 9))
def test_plain_text_is_recognised_wherever_the_blocks_are_cut(
    tmp_path: Path, rows: list[tuple[str, str]], size_bytes: int
) -> None:
    """Salesforce's dialect is plain, but for what COPY reads differently."""
    content = csv_text(("A", "B"), *rows)
    is_odd = any("\0" in cell or "\n\\." in cell or "\r\\." in cell for row in rows for cell in row)
    with pytest.MonkeyPatch.context() as patch:
        found = blocks_of(CsvFile.open(proved(tmp_path, content), attempt()), patch, size_bytes)

    assert (found is None) == is_odd
    assert found in (None, content)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.sampled_from('a",\n\r'), max_size=12), st.integers(1, 5))
def test_text_taken_for_plain_is_read_alike_by_a_strict_reader(tmp_path: Path, tail: str, size_bytes: int) -> None:
    """Whatever follows the header: if it passes, `csv` reads it alike, strictly or not."""
    content = b'"A","B"\n' + tail.encode()
    with pytest.MonkeyPatch.context() as patch:
        found = blocks_of(CsvFile.open(proved(tmp_path, content), attempt()), patch, size_bytes)
    if found is not None:
        text = content.decode()
        strict = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        assert [] not in strict
        assert strict == list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("format_name", csv_file.CSV_FORMATS)
def test_records_are_read_from_every_format(tmp_path: Path, format_name: str) -> None:
    """More than one block of each."""
    if FORMATS[format_name].missing_extra():
        pytest.skip(FORMATS[format_name].missing_extra() or "")
    rows = [(str(number), "x" * 100) for number in range(30_000)]
    content = csv_text(("A", "B"), *rows)
    if format_name == "csv.zst":
        from sfr.formats.zstd_csv import zstd_module

        content = zstd_module().compress(content)
    opened = CsvFile.open(proved(tmp_path, content, format=format_name), attempt())

    assert opened.labels == ("A", "B")
    assert [tuple(record) for record in opened.records(attempt())] == rows


def test_file_without_header_is_refused(tmp_path: Path) -> None:
    """Its columns would have no names."""
    with pytest.raises(DeliveryError, match="no header"):
        CsvFile.open(proved(tmp_path, b"\n\n"), attempt())


def test_limit_for_long_cells_is_raised_while_they_are_read_and_no_longer(tmp_path: Path) -> None:
    """It is the process's, and others rely on it."""
    before = csv.field_size_limit()
    opened = CsvFile.open(proved(tmp_path, csv_text(("A",), ("x" * 200_000,), ("y",))), attempt())
    first, second = opened.records(attempt()), opened.records(attempt())
    assert len(next(first)[0]) == len(next(second)[0]) == 200_000
    assert list(first) == [["y"]]
    assert csv.field_size_limit() > before
    assert list(second) == [["y"]]

    assert csv.field_size_limit() == before
