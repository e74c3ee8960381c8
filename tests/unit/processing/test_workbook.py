"""Salesforce's own workbook as a worker takes it: whole, or not at all."""

import gzip
import io
import os
import random
import struct
import tracemalloc
import warnings
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sfr.errors import ErrorKind
from sfr.model import Guards, Status
from sfr.processing import workbook
from tests.bodies import make_payload, run

SHEET = "xl/worksheets/sheet1.xml"
PARTS = {
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml": '<workbook><sheets><sheet name="A" sheetId="1"/></sheets></workbook>',
    SHEET: "<worksheet><sheetData/></worksheet>",
}


def archive(parts=PARTS, *, compression=zipfile.ZIP_DEFLATED, repeated=()):
    """The bytes of a workbook. repeated: more parts."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", compression) as written, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the duplicate
        for name, text in [*parts.items(), *repeated]:
            written.writestr(zipfile.ZipInfo(name), text, compression)
    return body.getvalue()


def process(directory, body, *, spooled=True, report=None, **facts):
    """What a worker makes of this body."""
    facts = {"has_footer": False, "is_workbook": True, "counted_rows": 7, "note": "Note.", **facts}
    return run(make_payload(directory, body, spooled=spooled, report={"format": "xlsx", **(report or {})}, **facts))


@pytest.mark.parametrize("spooled", [False, True])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_workbook_is_kept_byte_by_byte(tmp_path, spooled, encoding):
    """With Salesforce's count as its rows, and what is not proved as its message; columns are not looked at."""
    body = archive()
    received = gzip.compress(body, 1, mtime=0) if encoding == "gzip" else body
    ended = process(tmp_path, received, spooled=spooled, content_encoding=encoding)

    assert (ended.status, ended.error, ended.message) == (Status.SAVED, None, "Note.")
    assert (ended.rows, ended.columns, ended.header) == (7, None, None)
    assert (tmp_path / "report.xlsx").read_bytes() == body
    assert os.listdir(tmp_path) == ["report.xlsx"]


def test_workbook_that_is_the_same_is_unchanged(tmp_path):
    """Salesforce writes the time into it, but not always."""
    process(tmp_path, archive())

    assert process(tmp_path, archive()).status is Status.UNCHANGED


def flipped(body, place):
    """One bit of this body is wrong."""
    return body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]


LONG = archive(PARTS | {SHEET: f"<worksheet>{random.Random(1).randbytes(9_000).hex()}</worksheet>"})


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (LONG[:-1], "not whole"),
        (LONG[:-22], "not whole"),
        (LONG[: len(LONG) // 2], "not whole"),
        (flipped(LONG, len(LONG) // 2), "not whole"),
        (flipped(LONG, len(LONG) - 100), "not whole"),
        (LONG + LONG[:100], "something follows"),
        (b"PK\3\4" + LONG, "something precedes"),
        (archive(repeated=[(SHEET, "<worksheet></worksheet>")]), "one name"),
        (archive(repeated=[("XL/worksheets/Sheet1.xml", "<worksheet></worksheet>")]), "one name"),
        (archive(repeated=[("../../etc/passwd", "x")]), "leads out"),
        (archive(repeated=[("/etc/passwd", "x")]), "leads out"),
        (archive({}), "not"),
        (archive({"a.txt": "x"}), "no workbook"),
        (archive({name: text for name, text in PARTS.items() if name != SHEET}), "no sheet"),
        (archive(PARTS | {"xl/workbook.xml": "<workbook><sheets/></workbook>"}), "list of sheets is empty"),
        (archive(PARTS | {SHEET: "<worksheet><sheetData><row>"}), "has no end"),
        (b'[{"errorCode": "X"}]', "JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 old workbook", "old Office"),
        (b"Id,Name\n1,a\n", "a text"),
        (random.Random(2).randbytes(2_000), "another kind"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_anything_but_a_whole_workbook_is_invalid(tmp_path, body, what):
    """It arrived as it was sent, so another attempt would return the same; the earlier file stays."""
    (tmp_path / "report.xlsx").write_bytes(b"old")
    ended = process(tmp_path, body)

    assert (ended.status, ended.error) == (Status.FAILED, ErrorKind.INVALID)
    assert what in ended.message
    assert "`format: csv`" in ended.message
    assert not ended.is_retryable
    assert os.listdir(tmp_path) == ["report.xlsx"]
    assert (tmp_path / "report.xlsx").read_bytes() == b"old"


def test_damaged_workbook_is_truncated_when_the_connection_may_have_cut_it(tmp_path):
    """Without a length and without chunks, only the archive's own end shows that it is whole."""
    ended = process(tmp_path, LONG[:-50], is_framed=False, counted_rows=None)

    assert ended.error is ErrorKind.TRUNCATED
    assert ended.is_retryable
    assert process(tmp_path, LONG, is_framed=False).is_valid


def test_blank_answer_is_empty(tmp_path):
    """As for an export."""
    assert process(tmp_path, b"\r\n", counted_rows=None).error is ErrorKind.EMPTY


def test_every_cut_of_a_workbook_is_noticed(tmp_path):
    """Wherever it is cut."""
    body = archive()
    for size in range(4, len(body)):
        assert not process(tmp_path, body[:size], spooled=False).is_valid, size


def test_guards_apply_to_the_counted_rows(tmp_path):
    """`min_rows`; columns and uncounted rows are not guarded."""
    few = process(tmp_path, archive(), report={"guards": Guards(min_rows=8)})

    assert few.error is ErrorKind.GUARD
    assert process(
        tmp_path, archive(), counted_rows=None, report={"guards": Guards(min_rows=8, columns="same")}
    ).is_valid


def test_larger_workbook_than_allowed_is_refused(tmp_path):
    """`fetch.max_report_bytes` counts the file's bytes."""
    payload = make_payload(
        tmp_path, LONG, spooled=True, report={"format": "xlsx"}, has_footer=False, is_workbook=True, counted_rows=1
    )

    assert run(payload, max_report_bytes=1000).error is ErrorKind.GUARD


def test_bomb_is_stopped_in_little_memory(tmp_path, monkeypatch):
    """A part of zeros, a thousand times as large as the file."""
    monkeypatch.setattr(workbook, "GROWTH_FLOOR_BYTES", 1_000_000)
    body = archive(PARTS | {"xl/bomb.bin": bytes(50_000_000)})
    tracemalloc.start()
    try:
        ended = process(tmp_path, body)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert ended.error is ErrorKind.GUARD
    assert "inflated" in ended.message
    assert peak_bytes < 4_000_000


def test_parts_that_share_their_data_are_refused(tmp_path):
    """Entries of the directory that point to one body would be inflated again and again."""
    body = archive(repeated=[("a.bin", bytes(100_000)), ("b.bin", bytes(100_000))])
    start, end = body.index(b"PK\1\2"), body.index(b"PK\5\6")
    directory = bytearray(body[start:end])
    places = [place for place in range(len(directory)) if directory[place : place + 4] == b"PK\1\2"]
    offset_of_a = directory[places[-2] + 42 : places[-2] + 46]
    directory[places[-1] + 42 : places[-1] + 46] = offset_of_a

    ended = process(tmp_path, body[:start] + bytes(directory) + body[end:])

    assert ended.error is ErrorKind.INVALID
    assert "its parts overlap" in ended.message


def test_huge_directory_is_not_read(tmp_path):
    """The reader would take it into memory at once."""
    comment = b"x" * 60_000
    entry = struct.pack("<4s4B4HL2L5H2L", b"PK\1\2", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, len(comment), 0, 0, 0, 0)
    directory = (entry + b"a" + comment) * 20
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 20, 20, len(directory), 30, 0)
    ended = process(tmp_path, b"PK\3\4" + bytes(26) + directory + end)

    assert ended.error is ErrorKind.INVALID
    assert "at once" in ended.message


def test_encrypted_or_strangely_compressed_parts_are_refused(tmp_path):
    """Nobody could open them."""
    body = bytearray(archive())
    place = body.index(b"PK\1\2")
    body[place + 8] |= 1

    assert process(tmp_path, bytes(body)).error is ErrorKind.INVALID
    assert process(tmp_path, archive(compression=zipfile.ZIP_LZMA)).error is ErrorKind.INVALID
    assert process(tmp_path, archive(compression=zipfile.ZIP_STORED)).is_valid


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, len(archive()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_workbook_never_breaks_a_worker(tmp_path, changes):
    """Whatever its bytes say about sizes, offsets and names: it is whole, or it is refused."""
    body = bytearray(archive())
    for place, byte in changes:
        body[place] = byte
    ended = process(tmp_path, bytes(body), spooled=False, report={"name": "spoilt"})

    assert ended.is_valid or ended.error is ErrorKind.INVALID
