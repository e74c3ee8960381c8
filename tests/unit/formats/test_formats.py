"""The output formats: the same records whatever the file looks like, in constant memory, or a reason why not."""

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import given

from sfr.body.header import read_header
from sfr.errors import ErrorKind
from sfr.formats import FORMATS, Layout, Sink, gzip_csv
from sfr.model import Status
from tests.bodies import DATA, FOOTER, bodies, examples, make_payload, run


def save(directory, name, data=DATA, encoding="utf-8", **rules):
    """Process a body in this format; return how it ended and the file's bytes."""
    report = {"format": name, "encoding": encoding}
    stats = run(make_payload(directory, data + FOOTER, report=report), **rules)
    return stats, stats.is_valid and (directory / f"report.{name}").read_bytes()


class Memory(Sink):
    """Keeps what a format writes."""

    def __init__(self):
        self.written = []

    def write(self, block):
        self.written.append(block)


def records_of(data, encoding="utf-8", delimiter=","):
    """What csv makes of the bytes, empty lines left out."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    return [record for record in csv.reader(text, delimiter=delimiter) if record]


def unzstd(content):
    """Decompress with whichever module is there."""
    try:
        return import_module("compression.zstd").decompress(content)
    except ImportError:
        return import_module("backports.zstd").decompress(content)


needs_zstd = pytest.mark.skipif(FORMATS["csv.zst"].missing_extra() is not None, reason="no zstd here")
needs_pyarrow = pytest.mark.skipif(FORMATS["parquet"].missing_extra() is not None, reason="no pyarrow here")
needs_xlsxwriter = pytest.mark.skipif(FORMATS["xlsx"].missing_extra() is not None, reason="no XlsxWriter here")
every_format = pytest.mark.parametrize(
    "name",
    [
        "csv",
        "csv.gz",
        pytest.param("csv.zst", marks=needs_zstd),
        "jsonl",
        pytest.param("parquet", marks=needs_pyarrow),
        pytest.param("xlsx", marks=needs_xlsxwriter),
    ],
)


def test_every_format_is_tested():
    """The tests of all formats leave none out."""
    marked = (getattr(each, "values", (each,))[0] for each in every_format.args[1])

    assert set(marked) == set(FORMATS)


@every_format
def test_format_is_saved_with_size_and_hash_of_the_stored_file(tmp_path, name):
    """`size_bytes` and `sha256` are the file's, rows and columns the data's."""
    stats, content = save(tmp_path, name)

    assert (stats.status, stats.rows, stats.columns) == (Status.SAVED, 2, 2)
    assert (stats.size_bytes, stats.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert os.listdir(tmp_path) == [f"report.{name}"]


@every_format
def test_format_gives_the_same_file_for_the_same_data(tmp_path, name):
    """So that an unchanged report is found unchanged."""
    save(tmp_path, name)

    assert save(tmp_path, name)[0].status is Status.UNCHANGED


@every_format
def test_format_leaves_nothing_when_the_body_is_cut(tmp_path, name):
    """The proof comes at the end, whatever was written before."""
    report = {"format": name}
    stats = run(make_payload(tmp_path, DATA * 20_000, report=report))

    assert stats.error is ErrorKind.TRUNCATED
    assert os.listdir(tmp_path) == []


@every_format
def test_format_ends_as_disk_when_writing_fails(tmp_path, name, monkeypatch):
    """An OSError of the file comes through whatever library is between."""

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sfr.storage.atomic.AtomicFile.write", fail)
    stats, _ = save(tmp_path, name)

    assert stats.error is ErrorKind.DISK
    assert "No space left" in stats.message
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("library", ["zlib-ng", "zlib"])
def test_csv_gz_holds_the_csv_without_a_time(tmp_path, library, monkeypatch):
    """One member, its time zero, without a name; `keep_footer` applies."""
    take_compression_of(library, monkeypatch)
    _, content = save(tmp_path, "csv.gz")

    assert gzip.decompress(content) == DATA
    assert content[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    assert gzip.decompress(save(tmp_path, "csv.gz", keep_footer=True)[1]) == DATA + FOOTER


def take_compression_of(library, monkeypatch):
    """Have `csv.gz` written with this library."""
    monkeypatch.setattr(gzip_csv, "_library", gzip_csv._library.__wrapped__)
    if library == "zlib-ng":
        pytest.importorskip("zlib_ng")
    else:
        monkeypatch.setitem(sys.modules, "zlib_ng.zlib_ng", None)


def compressed(data, block_bytes):
    """The bytes that `csv.gz` makes of the data, cut into blocks of this size."""
    sink = Memory()
    FORMATS["csv.gz"].write((data[at : at + block_bytes] for at in range(0, len(data), block_bytes)), sink, None)
    return b"".join(sink.written)


@pytest.mark.parametrize("library", ["zlib-ng", "zlib"])
def test_csv_gz_has_the_same_bytes_however_the_blocks_are_cut(library, monkeypatch):
    """Equal data gives equal files."""
    take_compression_of(library, monkeypatch)
    data = b"".join(b'"%d","%d"\n' % (number, number * number) for number in range(4000))[:60_000]
    files = {compressed(data, block_bytes) for block_bytes in (99, 5_000, 10_000, 12_345, 60_000)}

    assert len(files) == 1
    assert gzip.decompress(files.pop()) == data


def test_csv_gz_is_the_csv_for_the_gzip_program(tmp_path):
    """GNU gzip reads it and checks its checksum; it is one member, for readers that know no others."""
    if shutil.which("gzip") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("there is no gzip")
        pytest.skip("there is no gzip")
    data = b"".join(b'"%d","%d"\n' % (number, number * number) for number in range(200_000))
    (tmp_path / "report.csv.gz").write_bytes(compressed(data, 128 * 1024))
    printed = subprocess.run(["gzip", "-dc", str(tmp_path / "report.csv.gz")], capture_output=True, check=True)

    assert printed.stdout == data
    member = zlib.decompressobj(31)
    assert (member.decompress((tmp_path / "report.csv.gz").read_bytes()), member.unused_data) == (data, b"")


@needs_zstd
def test_csv_zst_holds_the_csv(tmp_path):
    """One frame; `keep_footer` applies."""
    assert unzstd(save(tmp_path, "csv.zst")[1]) == DATA
    assert unzstd(save(tmp_path, "csv.zst", keep_footer=True)[1]) == DATA + FOOTER


@examples
@given(bodies())
def test_jsonl_holds_the_records_of_csv_on_generated_bodies(body):
    """Each record an object of its labels and cells, decoded by the export's encoding; `keep_footer` has no say."""
    data, encoding, delimiter = body
    with tempfile.TemporaryDirectory() as directory:
        stats, content = save(Path(directory), "jsonl", data, encoding, keep_footer=True)
    header, *rows = records_of(data.removeprefix(b"\xef\xbb\xbf"), encoding.removesuffix("-sig"), delimiter)

    assert [json.loads(line) for line in content.splitlines()] == [dict(zip(header, row, strict=True)) for row in rows]
    assert stats.rows == len(rows)


def test_jsonl_is_written_as_plain_json_lines(tmp_path):
    """UTF-8 as it is, line breaks escaped, labels repeated or empty made unique, `%` no trap."""
    data = '"A","A","","","100 %"\n"é\n\u2028","","x","""","%s"\n'.encode()
    _, content = save(tmp_path, "jsonl", data)

    expected = '{"A": "é\\n\u2028", "A_2": "", "Label": "x", "Label_2": "\\"", "100 %": "%s"}\n'
    assert content.decode() == expected


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b'"a","b"\n"caf\xe9","x"\n', "utf-8", "utf-8"),
        (b'"a\xff","b"\n"1","x"\n', "utf-8", "utf-8"),
        (b'"a","b"\n"\x81","x"\n', "shift_jis", "shift_jis"),
        (b'"a","b"\n"1","x"\n"2"\n', "utf-8", "Record 2 has 1 cells"),
        (b'"a","b"\n"1","x","y"\n', "utf-8", "Record 1 has 3 cells"),
        (b'"a","b"\n"1","' + b"x" * 17_000_000 + b'"\n', "utf-8", "field larger than"),
    ],
)
@pytest.mark.parametrize(
    "name",
    [
        "jsonl",
        pytest.param("parquet", marks=needs_pyarrow),
        pytest.param("xlsx", marks=needs_xlsxwriter),
    ],
)
def test_text_formats_refuse_what_they_cannot_hold(tmp_path, name, data, encoding, said):
    """Undecodable text, ragged records, a cell without end: `not_csv`, nothing written."""
    stats, _ = save(tmp_path, name, data, encoding)

    assert stats.error is ErrorKind.NOT_CSV
    assert said in stats.message
    assert os.listdir(tmp_path) == []


def read_parquet(content):
    """The table in these bytes."""
    parquet = pytest.importorskip("pyarrow.parquet")
    return parquet.read_table(io.BytesIO(content))


@needs_pyarrow
def test_parquet_columns_are_text_by_default(tmp_path):
    """Nothing is guessed, nothing lost."""
    data = b'"A","A","Amount"\n"007","x","1.50"\n"","","2"\n'
    table = read_parquet(save(tmp_path, "parquet", data)[1])

    assert [(field.name, str(field.type)) for field in table.schema] == [
        ("A", "string"),
        ("A_2", "string"),
        ("Amount", "string"),
    ]
    assert table.to_pydict() == {"A": ["007", ""], "A_2": ["x", ""], "Amount": ["1.50", "2"]}


@needs_pyarrow
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-20", ""], "int64"),
        (["1", "2.5", "-0.25"], "double"),
        (["007", "1"], "string"),
        (["1234567890123456789"], "string"),
        (["1,000"], "string"),
        (["true", "false", ""], "bool"),
        (["2026-09-08", ""], "date32[day]"),
        (["2026-02-30"], "string"),
        (["9/8/2026"], "string"),
        (["2026-09-08T11:22:33.000Z", "2026-09-08T11:22:33Z"], "timestamp[ms, tz=UTC]"),
        (["", ""], "string"),
        (["1", "x"], "string"),
        (["00QE0000001"], "string"),
        ([], "string"),
    ],
)
def test_parquet_infers_types_that_fit_every_cell(tmp_path, cells, expected):
    """Postal codes and long ids stay text; empty cells of typed columns become null."""
    data = b'"A","B"\n' + b"".join(b'"%s","t"\n' % cell.encode() for cell in cells)
    table = read_parquet(save(tmp_path, "parquet", data, types="infer")[1])

    assert str(table.schema.field("A").type) == expected
    assert table.num_rows == len(cells)
    assert table.column("A").null_count == (0 if expected == "string" else cells.count(""))
    assert os.listdir(tmp_path) == ["report.parquet"]


@needs_pyarrow
@pytest.mark.parametrize("types", ["text", "infer"])
def test_parquet_writes_row_groups_as_it_goes(tmp_path, types, monkeypatch):
    """Many small groups instead of one table in memory; a late odd cell turns the whole column to text."""
    monkeypatch.setattr("sfr.formats.parquet.ROW_GROUP_BYTES", 20_000)
    monkeypatch.setattr("sfr.formats.csv_tables.CHUNK_BYTES", 10_000)
    rows = [b'"%d","%d"\n' % (number, number) for number in range(5000)] + [b'"5000","odd"\n']
    stats, content = save(tmp_path, "parquet", b'"A","B"\n' + b"".join(rows), types=types)
    table = read_parquet(content)

    assert stats.rows == table.num_rows == 5001
    assert str(table.schema.field("A").type) == ("int64" if types == "infer" else "string")
    assert str(table.schema.field("B").type) == "string"
    assert pytest.importorskip("pyarrow.parquet").ParquetFile(io.BytesIO(content)).num_row_groups > 2


def test_missing_extras_are_named_with_what_to_install(monkeypatch):
    """A sentence for the user, for the formats that need one."""
    for module in ("compression.zstd", "backports.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    said = {name: entry.missing_extra() for name, entry in FORMATS.items()}

    assert {name for name, sentence in said.items() if sentence} == {"csv.zst", "parquet", "xlsx"}
    assert "sfr[zstd]" in said["csv.zst"]
    assert "sfr[parquet]" in said["parquet"]
    assert "sfr[xlsx]" in said["xlsx"]


@pytest.mark.parametrize("columns", [1, 3])
def test_jsonl_takes_bounded_memory_when_labels_are_much_longer_than_cells(columns):
    """The labels are repeated in every line; a block of lines stays small all the same, and nothing is lost."""
    head = b",".join(b'"%d%s"' % (number, b"x" * 100_000) for number in range(columns)) + b"\n"
    data = head + (b'""' + b',""' * (columns - 1) + b"\n") * 200
    sink = Memory()
    layout = Layout(read_header(data, is_whole=True), "utf-8", "text", "unused")
    FORMATS["jsonl"].write(iter([data]), sink, layout)

    assert max(map(len, sink.written)) < 10_000_000
    assert sum(block.count(b"\n") for block in sink.written) == 200


def test_csv_gz_is_written_while_the_data_comes():
    """What is compressed does not wait for the end."""
    sink = Memory()

    def blocks():
        for _ in range(3):
            before = len(sink.written)
            yield os.urandom(1024 * 1024)
            yield b""
            assert len(sink.written) > before

    FORMATS["csv.gz"].write(blocks(), sink, None)
