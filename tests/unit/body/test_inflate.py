"""Inflating: a gzip body counts as whole only with every member's end and checksum, and nothing after it."""

import gzip
import random
import sys
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.body import inflate as body_inflate
from sfr.body.inflate import inflated
from sfr.errors import ErrorKind, ReportError
from tests.bodies import every_split, examples

TEXT = b"".join(b'"%d","%x"\n' % (number, number * 7919) for number in range(400))


@pytest.fixture(params=["zlib", "isal"], autouse=True)
def library(request, monkeypatch):
    """Every test runs with both libraries, where isal is installed."""
    if request.param == "isal":
        pytest.importorskip("isal")
    else:
        monkeypatch.setitem(sys.modules, "isal.igzip_lib", None)
    body_inflate._library.cache_clear()
    yield request.param
    body_inflate._library.cache_clear()


def test_library_is_the_one_that_can_be_imported(library):
    """These tests really try both."""
    new_member, _ = body_inflate._library()

    assert (new_member is body_inflate._ZlibMember) == (library == "zlib")


def inflate(*chunks, **limits):
    """All that comes out."""
    return b"".join(inflated(chunks, **limits))


def test_inflated_gives_the_text_when_chunks_are_cut_anywhere():
    """Where the network cut the body does not matter."""
    for chunks in every_split(gzip.compress(TEXT[:300], mtime=0)):
        assert inflate(*chunks) == TEXT[:300]


def test_inflated_takes_several_members():
    """RFC 1952: a gzip file is a series of members, empty ones included."""
    body = gzip.compress(b"one,", mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(b"two", mtime=0)
    for chunks in every_split(body):
        assert inflate(*chunks) == b"one,two"


def test_inflated_gives_nothing_for_an_empty_body():
    """An empty body is for others to judge."""
    assert inflate() == inflate(b"") == b""


def test_inflated_refuses_a_body_cut_at_any_byte():
    """Neither a missing trailer nor a missing half is taken for an end."""
    body = gzip.compress(TEXT[:500], mtime=0)
    for size in range(1, len(body)):
        with pytest.raises(ReportError) as caught:
            inflate(body[:size])
        assert caught.value.kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize("chunk_bytes", [1, 7, 1000])
def test_inflated_says_after_how_many_bytes_the_body_was_cut(chunk_bytes):
    """What the network delivered, in whatever chunks."""
    body = gzip.compress(TEXT, mtime=0)[:100]
    chunks = [body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes)]

    with pytest.raises(ReportError, match="ends after 100 bytes"):
        inflate(*chunks)


def test_inflated_takes_repetitions_from_as_far_back_as_gzip_allows():
    """32 KiB: what a smaller window has forgotten would look like a damaged body."""
    data = random.Random(1).randbytes(32_000) * 2

    assert inflate(gzip.compress(data, mtime=0)) == data


def test_inflated_refuses_any_changed_byte_of_data_or_trailer():
    """The checksum and the length are checked."""
    body = gzip.compress(TEXT[:500], mtime=0)
    for at in range(10, len(body)):
        changed = body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1 :]
        with pytest.raises(ReportError) as caught:
            inflate(changed)
        assert caught.value.kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize("junk", [b"\0", b"\0" * 600, b"<html>", b"\x1f", b"\x1f\x8b\x08", b"plain text that follows"])
def test_inflated_refuses_what_follows_the_last_member(junk):
    """Trailing bytes are no padding here: they say that something went wrong."""
    for chunks in ([gzip.compress(TEXT, mtime=0) + junk], [gzip.compress(TEXT, mtime=0), junk]):
        with pytest.raises(ReportError, match="gzip") as caught:
            inflate(*chunks)
        assert caught.value.kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize("body", [b"no gzip at all", zlib.compress(TEXT), b"\x1f\x8b\x09" + b"\0" * 30])
def test_inflated_refuses_what_is_no_gzip(body):
    """Neither plain text nor a bare zlib stream."""
    with pytest.raises(ReportError) as caught:
        inflate(body)
    assert caught.value.kind is ErrorKind.TRUNCATED


def test_inflated_keeps_every_step_small_when_a_bomb_arrives():
    """Ten megabytes of nothing come in steps, so that a limit can stop them; no step is of nothing."""
    bomb = gzip.compress(bytes(10_000_000), mtime=0)
    sizes = [len(block) for block in inflated([bomb[:5], bomb[5:]], step_bytes=65536)]

    assert max(sizes) <= 65536
    assert min(sizes) > 0
    assert sum(sizes) == 10_000_000


@examples
@given(st.binary(max_size=2000), st.integers(1, 64), st.integers(1, 300), st.integers(1, 9))
def test_inflated_round_trip_holds_for_any_step_and_chunk(data, step_bytes, chunk_bytes, level):
    """Limits on output and input never lose or repeat a byte."""
    body = gzip.compress(data * 3, level, mtime=0)
    chunks = [body[start : start + chunk_bytes] for start in range(0, len(body), chunk_bytes)]

    assert inflate(*chunks, step_bytes=step_bytes) == data * 3


@examples
@given(seed=st.integers(0, 2**32))
def test_inflated_round_trip_holds_for_large_noise(seed):
    """Data that hardly compresses, in chunks as they come from a file."""
    data = random.Random(seed).randbytes(20_000)
    body = gzip.compress(data, 1, mtime=0)

    assert inflate(body[:9000], body[9000:], step_bytes=4096) == data
