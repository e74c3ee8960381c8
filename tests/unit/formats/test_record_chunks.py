"""Formats that convert chunks of records: the same files and errors as record by record, however blocks are cut."""

import csv
import io
import json
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.body.header import read_header
from sfr.errors import ReportError
from sfr.formats import FORMATS, Layout, Sink, json_lines, record_chunks
from sfr.formats.text_records import text_records
from tests.bodies import bodies, examples

MARK = b"\xef\xbb\xbf"
needs_pyarrow = pytest.mark.skipif(FORMATS["parquet"].missing_extra() is not None, reason="no pyarrow here")
#: What is put into a good body, at any place after its header.
DAMAGE = (
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\r\n",
    b"x",
    b'""',
    b"\n\n",
    b"\0",
    b"\x0b",
    b"\xff",
    b"\xc3",
    b"\\",
    b'"x',
    b'"\n"',
)


class Memory(Sink):
    """Keeps what a format writes."""

    def __init__(self):
        self.content = b""

    def write(self, block):
        self.content += block


@st.composite
def cut_bodies(draw):
    """A body, damaged or not, as blocks, and its layout."""
    data, encoding, _ = draw(bodies())
    mark, data = data[: 3 * data.startswith(MARK)], data.removeprefix(MARK)
    header = read_header(data, is_whole=True)
    start = len(header.record + header.line_end)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(start, len(data)))
        data = data[:at] + draw(st.sampled_from(DAMAGE)) + data[at + draw(st.booleans()) :]
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=4)))
    blocks = [data[at:end] for at, end in zip([0, *places], [*places, len(data)], strict=True)]
    return [*([mark] if mark else []), *blocks], Layout(header, encoding.removesuffix("-sig"), "text", "unused")


chunk_sizes = st.sampled_from([1, 2, 20, 100_000])


def outcome(write, *arguments):
    """What the function returns, or its error's message."""
    try:
        return write(*arguments)
    except ReportError as error:
        return str(error)


def written(name, blocks, layout):
    """The file's bytes in this format."""
    sink = Memory()
    FORMATS[name].write(iter(blocks), sink, layout)
    return sink.content


def one_by_one(blocks, layout):
    """The records, read by `csv`."""
    return list(text_records(iter(blocks), layout))


def labels_of(layout):
    """The labels of a layout whose labels differ."""
    return next(csv.reader([layout.header.record.decode()], delimiter=layout.header.delimiter.decode()))


@examples
@given(cut_bodies(), chunk_sizes)
def test_jsonl_is_the_same_as_record_by_record_on_generated_bodies(body, chunk_bytes):
    """Byte for byte what `json` makes of each record, or the same message."""
    blocks, layout = body
    expected = outcome(one_by_one, blocks, layout)
    if not isinstance(expected, str):
        objects = (dict(zip(labels_of(layout), record, strict=True)) for record in expected)
        expected = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in objects).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sfr.formats.json_lines.CHUNK_BYTES", chunk_bytes)

        assert outcome(written, "jsonl", blocks, layout) == expected


@needs_pyarrow
@examples
@given(cut_bodies(), chunk_sizes)
def test_parquet_is_the_same_as_record_by_record_on_generated_bodies(body, chunk_bytes):
    """The same table as the records that `csv` reads, or the same message."""
    blocks, layout = body
    expected = outcome(one_by_one, blocks, layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sfr.formats.csv_tables.CHUNK_BYTES", chunk_bytes)
        found = outcome(written, "parquet", blocks, layout)
    if isinstance(found, bytes):
        table = import_module("pyarrow.parquet").read_table(io.BytesIO(found))
        assert table.column_names == labels_of(layout)
        found = [list(record.values()) for record in table.to_pylist()]

    assert found == expected


@needs_pyarrow
@examples
@given(cut_bodies(), chunk_sizes)
def test_parquet_has_the_same_bytes_however_the_blocks_are_cut(body, chunk_bytes):
    """So that an unchanged report is found unchanged."""
    blocks, layout = body
    whole = [b"".join(blocks).removeprefix(MARK)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sfr.formats.csv_tables.CHUNK_BYTES", chunk_bytes)
        files = [outcome(written, "parquet", each, layout) for each in (blocks, whole)]

    assert files[0] == files[1] or all(isinstance(each, str) for each in files)


def layout_of(data):
    """The layout of a body in UTF-8."""
    return Layout(read_header(data, is_whole=True), "utf-8", "text", "unused")


def rest_of(data, chunk_bytes, convert, block_bytes=1000):
    """What `converted` yields, and the records that it leaves."""
    blocks = (data[at : at + block_bytes] for at in range(0, len(data), block_bytes))
    conversions = record_chunks.converted(blocks, layout_of(data), chunk_bytes, convert)
    yielded = []
    while True:
        try:
            yielded.append(next(conversions))
        except StopIteration as end:
            return yielded, list(end.value)


ROWS = b'"A","B"\n' + b"".join(b'"%d","x"\n' % number for number in range(1000))


@pytest.mark.parametrize("block_bytes", [7, 1000, 10**6])
def test_chunks_end_with_a_record_at_places_that_depend_on_the_data(block_bytes):
    """The first record that reaches the size is a chunk's last; the last chunk is smaller."""
    chunks, rest = rest_of(ROWS, 500, lambda chunk: (chunk.count(b"\n"), chunk), block_bytes)

    assert b"".join(chunks) == ROWS.removeprefix(b'"A","B"\n')
    assert all(500 <= len(chunk) < 520 and chunk.endswith(b'"\n') for chunk in chunks[:-1])
    assert rest == []


def test_records_are_read_one_by_one_from_the_first_chunk_that_is_not_converted():
    """Nothing is lost or read twice, and their numbers continue."""
    chunks, rest = rest_of(ROWS, 500, lambda chunk: None if b'"700"' in chunk else (chunk.count(b"\n"), chunk))

    assert sum(chunk.count(b"\n") for chunk in chunks) + len(rest) == 1000
    assert rest[-1] == ["999", "x"]
    with pytest.raises(ReportError, match=r"Record 1,001 has 1 cells"):
        rest_of(
            ROWS + b'"only one"\n', 500, lambda chunk: (chunk.count(b"\n"), chunk) if b"only" not in chunk else None
        )


def test_end_of_a_record_inside_a_cell_is_skipped():
    """A cell whose text looks like the end of a record costs another trial, not the faster way."""
    data = b'"A"\n' + b'"say ""yes""\n""no"" to it"\n' * 500
    to_lines = json_lines._QuotedCsv(b",", b"\n", [b'"A"'])
    chunks, rest = rest_of(data, 1, to_lines.lines_of)

    assert rest == []
    assert [json.loads(line) for line in b"".join(chunks).splitlines()] == [{"A": 'say "yes"\n"no" to it'}] * 500


def test_record_beyond_the_limit_is_left_to_the_slower_way(monkeypatch):
    """So that what is kept in memory is bounded."""
    monkeypatch.setattr(record_chunks, "MAX_RECORD_BYTES", 1000)
    data = b'"A"\n"1"\n"' + b"x" * 3000 + b'"\n"2"\n'
    chunks, rest = rest_of(data, 1, lambda chunk: (1, chunk), 100)

    assert chunks == [b'"1"\n']
    assert rest == [["x" * 3000], ["2"]]


@pytest.mark.parametrize("library", ["stringzilla", "re"])
def test_jsonl_escapes_every_control_as_json_does(library, monkeypatch):
    """With the library that looks for rare ones, and without it."""
    if library == "stringzilla":
        pytest.importorskip("stringzilla")
    else:
        monkeypatch.setitem(import_module("sys").modules, "stringzilla", None)
    monkeypatch.setattr(json_lines, "_search_of_controls", json_lines._search_of_controls.__wrapped__)
    cells = [chr(code) for code in range(0x80) if chr(code) != '"'] + ['""', "é", "\u2028"]
    data = ('"A"\n' + "".join(f'"{cell}{cell}"\n' for cell in cells)).encode()
    expected = "".join(json.dumps({"A": cell.replace('""', '"') * 2}, ensure_ascii=False) + "\n" for cell in cells)

    assert written("jsonl", [data], layout_of(data)).decode() == expected
