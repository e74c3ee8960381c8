"""Kinds of file: recognised by their first bytes, and never seen in a CSV."""

import bz2
import gzip
import io
import lzma
import zipfile
import zlib

import pytest

from sfr.processing.file_kinds import FILE_KINDS, file_kind, is_binary
from tests.bodies import DATA

OPENINGS = [(kind, opening) for kind in FILE_KINDS for opening in kind.openings]


def zipped():
    """A ZIP archive as `zipfile` writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize(("kind", "opening"), OPENINGS, ids=[repr(opening) for _, opening in OPENINGS])
def test_file_kind_is_known_by_each_opening_of_the_table(kind, opening):
    """No entry hides another; each has a name that a sentence can hold and says what to do."""
    assert file_kind(opening + b" and so on\n") is kind
    assert kind.name[0] not in "AEIOU"
    assert kind.remedy.endswith(".")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (zipped(), "workbook"),
        (gzip.compress(DATA, mtime=0), "gzip"),
        (zlib.compress(DATA), "zlib"),
        (bz2.compress(DATA), "bzip2"),
        (lzma.compress(DATA), "xz"),
        (DATA.decode().encode("utf-16"), "UTF-16"),
        (b"\xef\xbb\xbf\r\n <html>", "web page"),
        (b'\n\t[ \n {"a": 1}]', "JSON"),
        (b"\n<?xml version='1.0'?><Error/>", "XML"),
    ],
)
def test_file_kind_is_known_of_real_files(body, name):
    """As other programs write them; texts behind blanks and a byte order mark, too."""
    assert name in file_kind(body).name


@pytest.mark.parametrize(
    "head",
    [
        DATA,
        b"\xef\xbb\xbf" + DATA,
        b"\n" + DATA,
        b"PK,Name\n1,x\n",
        b"PAR1;PAR2\n1;2\n",
        b"RIFF\tb\n1\t2\n",
        b"%PDF,b\n1,2\n",
        b"MZ,b\n1,2\n",
        b"Rar!,b\n",
        b"x^2,b\n",
        b"[a],b\n",
        b'"<p>","PK"\n',
        "名前,年\n".encode("shift_jis"),
        b"",
        b"\n",
    ],
)
def test_file_kind_is_none_for_what_may_be_a_csv(head):
    """Labels may begin as a file's signature does, less the bytes that no label holds."""
    assert file_kind(head) is None
    assert not is_binary(head)


@pytest.mark.parametrize("head", [b"\0", b"a,b\n1,\x01", b"text\x7f", "é".encode("utf-16-le"), bytes(range(256))])
def test_is_binary_is_true_with_a_byte_that_no_text_has(head):
    """NUL and most control bytes; text in UTF-16 without a mark, too."""
    assert is_binary(head)
