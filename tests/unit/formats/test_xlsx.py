"""`xlsx`: texts stay texts, what a sheet cannot hold is refused, and nothing but the report is left."""

import io
import os
import zipfile
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.body.header import Header
from sfr.errors import ErrorKind, ReportError
from sfr.formats import xlsx
from sfr.formats.base import Layout
from sfr.model import Status
from tests.bodies import DATA, FOOTER, PREFIX, examples, make_payload, run

openpyxl = pytest.importorskip("openpyxl")
pytest.importorskip("xlsxwriter")


def save(directory, data, name="report", **rules):
    """Process a body as a workbook; return how it ended."""
    return run(make_payload(directory, data + FOOTER, report={"format": "xlsx", "name": name}), **rules)


def sheet_of(directory, name="report"):
    """The only sheet of the workbook."""
    (sheet,) = openpyxl.load_workbook(directory / f"{name}.xlsx").worksheets
    return sheet


def typed_cells(directory, cells, **rules):
    """The cells of a first column as the workbook has them: value and openpyxl's type."""
    lines = b"".join(b'"%s","t"\r\n' % cell.replace('"', '""').encode() for cell in cells)
    stats = save(directory, b'"A","B"\r\n' + lines, **rules)
    assert stats.status is Status.SAVED, stats.message
    rows = sheet_of(directory).iter_rows(min_row=2, max_col=1)
    return [(cell.value, cell.data_type) for (cell,) in rows]


def test_sheet_has_a_bold_frozen_header_with_a_filter(tmp_path):
    """Of the report's size, named as the report, created at a fixed time."""
    save(tmp_path, DATA, "Open Pipeline")
    sheet = sheet_of(tmp_path, "Open Pipeline")

    assert (sheet.title, sheet.freeze_panes, sheet.auto_filter.ref) == ("Open Pipeline", "A2", "A1:B3")
    assert [(cell.value, cell.font.bold) for cell in sheet[1]] == [("Id", True), ("Name", True)]
    assert not sheet["A2"].font.bold
    assert sheet.parent.properties.created == datetime(1980, 1, 1)


@pytest.mark.parametrize("types", ["text", "infer"])
@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "{=SUM(A1:A2)}",
        "+1",
        "-x",
        "@cmd",
        "007",
        "-007",
        "00501",
        "1234567890123456",
        "0.1234567890123456",
        "1e5",
        "1.",
        ".5",
        "1,000",
        "٣",
        "NaN",
        "inf",
        "true",
        "http://example.com",
        "mailto:a@example.com",
        "internal:Sheet!A1",
        "2026-02-30",
        "1899-12-31",
        "2026-03-31T06:00:00Z",
        "9/8/2026",
        "<r><t>rich</t></r>",
        "a & b < c > d",
        " leading and trailing ",
        "line\r\nends\nand\rreturns",
        "tab\there",
        "#N/A",
        "表 é 😀",
    ],
)
def test_text_stays_that_text(tmp_path, cell, types):
    """No formula, no link, no number, no rich text, and every character is kept."""
    assert typed_cells(tmp_path, [cell], types=types) == [(cell, "s")]
    assert not sheet_of(tmp_path)["A2"].hyperlink


@pytest.mark.parametrize("cell", ["1", "1.50", "-3", "2026-03-31"])
def test_values_are_texts_by_default(tmp_path, cell):
    """Nothing is inferred by default."""
    assert typed_cells(tmp_path, [cell]) == [(cell, "s")]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0", 0),
        ("1", 1),
        ("-20", -20),
        ("1.50", 1.5),
        ("-0.25", -0.25),
        ("123456789012345", 123456789012345),
        ("1900-01-01", datetime(1900, 1, 1)),
        ("2024-02-29", datetime(2024, 2, 29)),
        ("9999-12-31", datetime(9999, 12, 31)),
    ],
)
def test_infer_makes_numbers_and_dates_cell_by_cell(tmp_path, cell, value):
    """Beside a text in the same column, which stays one."""
    kind = "d" if isinstance(value, datetime) else "n"

    assert typed_cells(tmp_path, ["x", cell], types="infer") == [("x", "s"), (value, kind)]


@pytest.mark.parametrize(
    ("cell", "written"),
    [("a\x01b", "a_x0001_b"), ("a\ufffeb\uffff", "a_xFFFE_b_xFFFF_"), ("_x0041_", "_x005F_x0041_")],
)
def test_character_that_xml_forbids_is_escaped_as_excel_does(tmp_path, cell, written):
    """The workbook can be opened, and Excel shows the character; so does a text that looks like such an escape."""
    assert typed_cells(tmp_path, [cell]) == [(written, "s")]


@examples
@given(st.lists(st.lists(st.text(st.sampled_from('",\n ax0é表<&_'), max_size=5), min_size=2, max_size=2), max_size=5))
def test_sheet_holds_the_records_on_generated_tables(tmp_path_factory, records):
    """As many rows as records, cell by cell, empty ones and empty records included."""
    directory = tmp_path_factory.mktemp("table")
    quoted = (",".join('"{}"'.format(cell.replace('"', '""')) for cell in record) for record in [["A", "B"], *records])
    stats = save(directory, "".join(f"{line}\r\n" for line in quoted).encode())
    rows = sheet_of(directory).iter_rows(min_row=2, max_col=2, values_only=True)

    assert [[cell or "" for cell in row] for row in rows] == records
    assert stats.rows == len(records)


def test_rows_without_values_keep_their_place(tmp_path):
    """The sheet has as many rows as the report, though the last has nothing in it."""
    stats = save(tmp_path, b'"A","B"\n"",""\n"1",""\n"",""\n')

    assert stats.rows == 3
    assert sheet_of(tmp_path).max_row == 4


@pytest.mark.parametrize(
    ("name", "sheet"),
    [
        ("Open Pipeline", "Open Pipeline"),
        ("Q1: [West] *?", "Q1 West"),
        ("'quoted'", "quoted"),
        ("x" * 40, "x" * 31),
        ("😀" * 20, "😀" * 15),
        ("history", "history_"),
        ("[]", "Report"),
    ],
)
def test_sheet_name_is_what_excel_allows(tmp_path, name, sheet):
    """Of the report's name: 31 UTF-16 units, without some characters, not Excel's own name."""
    assert xlsx.sheet_name(name) == sheet
    save(tmp_path, DATA, name)
    assert sheet_of(tmp_path, name).title == sheet


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'"A"\n' + b'"1"\n' * 6, "more than 5 rows"),
        (b",".join(b'"%d"' % number for number in range(16_385)) + b"\n", "16,385 columns"),
        (b'"A","B"\n"1","%s"\n' % (b"x" * 32_768), "record 1, column 2 has more than 32,767 characters"),
        ('"A"\n"1"\n"{}"\n'.format("😀" * 16_384).encode(), "record 2, column 1"),
        (b'"A","%s"\n"1","2"\n' % (b"x" * 32_768), "label of column 2"),
    ],
    ids=["rows", "columns", "cell", "utf-16", "label"],
)
def test_report_that_a_sheet_cannot_hold_is_invalid(tmp_path, monkeypatch, data, said):
    """Never cut: the message says which limit and what to use, and no file is left."""
    monkeypatch.setattr(xlsx, "MAX_RECORDS", 5)
    stats = save(tmp_path, data)

    assert stats.error is ErrorKind.INVALID
    assert said in stats.message
    assert "`csv`" in stats.message
    assert os.listdir(tmp_path) == []


def test_row_beyond_the_limit_ends_the_report_at_once(tmp_path, monkeypatch):
    """What comes after it is not read; the message names other formats and filters."""
    monkeypatch.setattr(xlsx, "MAX_RECORDS", 5)

    def blocks():
        yield b'"A"\n' + b'"1"\n' * 5
        yield b'"1"\n' * 2
        pytest.fail("the rest is read")

    layout = Layout(Header(b'"A"', b",", b"\n", is_all_quoted=True), "utf-8", "text", str(tmp_path / ".sfr-test-"))
    with pytest.raises(ReportError) as raised:
        xlsx.write(blocks(), io.BytesIO(), layout)

    assert "more than 5 rows" in raised.value.message
    assert all(word in raised.value.remedy for word in ("`csv`", "`parquet`", "filters"))
    assert os.listdir(tmp_path) == []


def test_longest_cell_and_last_row_are_saved(tmp_path, monkeypatch):
    """The limits themselves are allowed."""
    monkeypatch.setattr(xlsx, "MAX_RECORDS", 2)
    save(tmp_path, b'"A"\n"1"\n"%s"\n' % (b"x" * 32_767))

    assert len(sheet_of(tmp_path)["A3"].value) == 32_767


def test_xlsxwriter_refuses_rows_that_the_format_counts():
    """The limit of rows is XlsxWriter's own: one more is -1, nothing written."""
    from sfr.formats.workbook import OneSheetWorkbook

    book = OneSheetWorkbook(io.BytesIO(), "Sheet", "/tmp/.sfr-test-")
    try:
        assert book.sheet.write_string(xlsx.MAX_RECORDS, 0, "last") == 0
        assert book.sheet.write_string(xlsx.MAX_RECORDS + 1, 0, "beyond") == -1
    finally:
        book.discard()


def test_temporary_files_have_the_names_that_are_swept(tmp_path, monkeypatch):
    """Each lies beside the report, private, under this run's prefix; XlsxWriter makes no other file anywhere."""
    seen = {}

    def refuse(*arguments, **options):
        raise AssertionError(f"a file elsewhere: {arguments}, {options}")

    def write(self, block):
        seen.update((name, os.stat(tmp_path / name).st_mode & 0o777) for name in os.listdir(tmp_path))
        return original(self, block)

    original = xlsx.SinkStream.write
    monkeypatch.setattr("tempfile.mkstemp", refuse)
    monkeypatch.setattr(xlsx.SinkStream, "write", write)
    stats = save(tmp_path, DATA)

    assert stats.status is Status.SAVED
    scratch = {name: mode for name, mode in seen.items() if "-scratch-" in name}
    assert len(scratch) > 5
    assert all(name.startswith(PREFIX) and name.endswith(".part") for name in scratch)
    assert set(scratch.values()) == {0o600}
    assert os.listdir(tmp_path) == ["report.xlsx"]


def test_bytes_do_not_depend_on_time_zone_or_temporary_names(tmp_path, monkeypatch):
    """The same rows give the same file, on whichever machine."""
    import time

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    save(tmp_path / "a", DATA)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    time.tzset()
    try:
        save(tmp_path / "b", DATA)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert (tmp_path / "a/report.xlsx").read_bytes() == (tmp_path / "b/report.xlsx").read_bytes()


def test_failed_workbook_is_collected_in_silence(tmp_path, monkeypatch):
    """The ZIP that was begun writes nothing more, in whatever order its parts are collected."""
    import gc

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sfr.storage.atomic.AtomicFile.write", fail)
    for _ in range(5):
        assert save(tmp_path, DATA).error is ErrorKind.DISK
        gc.collect()


def test_workbook_is_a_whole_zip(tmp_path):
    """Every part with its checksum, though it was written to a stream that cannot seek."""
    save(tmp_path, DATA)

    with zipfile.ZipFile(tmp_path / "report.xlsx") as archive:
        assert archive.testzip() is None
        assert "xl/worksheets/sheet1.xml" in archive.namelist()
