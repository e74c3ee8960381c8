"""The stages of a body: cuts always cut, compression is whole, footers are cut where they should be."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from sfr.emulator.http.body_stages import content, corrupt_gzip, cut, gzip_stage
from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.responses import Response

PIECES = st.lists(st.binary(max_size=50), max_size=8)


@given(PIECES, st.integers(min_value=0, max_value=300), st.integers(min_value=1, max_value=20))
def test_cut_gives_a_true_beginning_of_the_body(pieces: list[bytes], after_bytes: int, keep_back: int) -> None:
    """At most `after_bytes` bytes, and never the last ones."""
    whole = b"".join(pieces)
    assert (
        b"".join(cut(pieces, after_bytes, keep_back=keep_back))
        == whole[: max(0, min(after_bytes, len(whole) - keep_back))]
    )


@given(PIECES)
def test_gzip_stage_is_undone_by_any_reader(pieces: list[bytes]) -> None:
    """Compression keeps every byte, in one stream."""
    assert zlib.decompress(b"".join(gzip_stage(pieces, 1)), 31) == b"".join(pieces)


@given(PIECES, st.integers(min_value=0, max_value=10_000))
def test_cut_gzip_never_reaches_its_end(pieces: list[bytes], after_bytes: int) -> None:
    """However short the stream, its end mark is missing."""
    inflater = zlib.decompressobj(31)
    inflater.decompress(b"".join(corrupt_gzip(gzip_stage(pieces, 1), "cut", after_bytes)))
    assert not inflater.eof


def test_footer_is_cut_after_whole_lines_and_a_half() -> None:
    """`in_footer` keeps the blank lines, that many lines, and half of the next."""
    response = Response(200, (), b"rows\n", footer=b'\n\n"a"\n"bb"\n"cc"\n')
    delivery = Delivery(content_cut="in_footer", footer_lines=1)
    assert b"".join(content(response, delivery)) == b'rows\n\n\n"a"\n"b'
