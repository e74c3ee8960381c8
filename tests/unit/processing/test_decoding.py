"""A body as decoded blocks: whole, within limits, and encoded as its headers say."""

import bz2
import gzip
import zlib

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.processing import decoding
from sfr.processing.decoding import GROWTH_FLOOR_BYTES, MAX_GROWTH, decoded_blocks
from tests.bodies import DATA, FOOTER, make_payload

MEMBER_BYTES = 8 * 1024 * 1024


def decoded_bytes(body, *, limit=None):
    """How many bytes come out."""
    payload = make_payload("/nowhere", body, content_encoding="gzip")
    return sum(len(block) for block in decoded_blocks(payload, max_report_bytes=limit))


def refusal(body, **facts):
    """Why the body is refused."""
    with pytest.raises(ReportError) as caught:
        decoded_bytes(body, **facts)
    return caught.value


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (DATA + FOOTER, "not compressed"),
        (b"<html><title>Blocked</title>", "a web page"),
        (b"upstream connect error\n", "'upstream connect error'"),
        (b"Id,Name\n1,2\n", "'Id,Name 1,2'"),
        (b'{"a": 1}', "JSON"),
        (zlib.compress(DATA), "a zlib (deflate) stream"),
        (zlib.compress(DATA)[2:-4], "other data"),
        (b"PK\3\4 and so on", "ZIP"),
        (bz2.compress(DATA), "bzip2"),
        (b"x", "'x'"),
        (b"\x1fx", "other data"),
    ],
)
@pytest.mark.parametrize("spooled", [False, True])
def test_body_that_is_no_gzip_is_refused_for_good_when_its_headers_say_gzip(tmp_path, body, named, spooled):
    """A proxy decompressed or replaced it: no other attempt helps, nor does a smaller report."""
    payload = make_payload(tmp_path, body, spooled=spooled, content_encoding="gzip")
    with pytest.raises(ReportError) as caught:
        list(decoded_blocks(payload, max_report_bytes=None))
    error = caught.value

    assert (error.kind, error.is_retryable) == (ErrorKind.NOT_CSV, False)
    assert named in error.message
    assert "`Content-Encoding: gzip`" in error.message
    assert "proxy" in error.remedy
    assert "filters" not in str(error)


@pytest.mark.parametrize("body", [b"\x1f", b"\x1f\x8b", gzip.compress(DATA, mtime=0)[:-1]])
def test_body_cut_in_its_gzip_stays_truncated(body):
    """Another attempt may fetch the rest."""
    assert refusal(body).kind is ErrorKind.TRUNCATED


def test_body_damaged_in_its_gzip_is_retried_and_the_advice_is_about_the_network():
    """A smaller report would be damaged as well."""
    body = bytearray(gzip.compress(DATA, mtime=0))
    body[-6] ^= 1
    error = refusal(bytes(body))

    assert (error.kind, error.is_retryable) == (ErrorKind.TRUNCATED, True)
    assert "proxy" in error.remedy


def bomb():
    """Three gigabytes, as three megabytes of gzip members."""
    return gzip.compress(b"x" * MEMBER_BYTES, mtime=0) * 360


def test_body_that_grows_as_no_report_does_is_refused_early_and_for_good():
    """Three megabytes that become three gigabytes end just above the floor, without an option set."""
    body, taken = bomb(), []
    blocks = decoded_blocks(make_payload("/nowhere", body, content_encoding="gzip"), max_report_bytes=None)
    with pytest.raises(ReportError) as caught:
        taken.extend(map(len, blocks))
    error = caught.value

    assert len(body) < 3_200_000
    assert (error.kind, error.is_retryable) == (ErrorKind.GUARD, False)
    assert GROWTH_FLOOR_BYTES * 0.99 <= sum(taken) <= GROWTH_FLOOR_BYTES
    assert "fetch.max_report_bytes" in error.remedy


def test_body_that_grows_only_later_is_refused_then(monkeypatch):
    """What is compared is all that was read so far."""
    monkeypatch.setattr(decoding, "GROWTH_FLOOR_BYTES", 1_000_000)
    text = b"".join(b'"%x","%x"\n' % (number * 7919**3, number) for number in range(100_000))
    member = gzip.compress(text, 1, mtime=0)
    assert decoded_bytes(member) == len(text)

    assert refusal(member + bomb()).kind is ErrorKind.GUARD


@pytest.mark.parametrize(
    "record",
    [
        b'"%d",' + b",".join([b'""'] * 119),
        b",".join([b'""'] * 120),
        b'"%d",' + b",".join([b'"0.00"'] * 499),
        b'"%d","' + b"Lorem ipsum dolor sit amet. " * 150 + b'"',
    ],
)
def test_report_of_almost_nothing_but_empty_or_equal_cells_passes(monkeypatch, record):
    """The sparsest reports, at gzip's best level, stay below the limit however large they are."""
    monkeypatch.setattr(decoding, "GROWTH_FLOOR_BYTES", 0)
    lines = (record % number if b"%d" in record else record for number in range(20_000_000 // len(record)))
    text = b"\n".join(lines)
    body = gzip.compress(text, 9, mtime=0)

    assert len(text) / len(body) > 50
    assert decoded_bytes(body) == len(text)


def test_limit_of_the_user_replaces_the_growth_limit(monkeypatch):
    """Who has such a report sets how large it may become."""
    monkeypatch.setattr(decoding, "GROWTH_FLOOR_BYTES", 0)
    body = gzip.compress(bytes(40_000_000), mtime=0)
    assert len(body) * MAX_GROWTH < 40_000_000

    assert refusal(body).kind is ErrorKind.GUARD
    assert decoded_bytes(body, limit=40_000_000) == 40_000_000
    assert "max_report_bytes" in refusal(body, limit=39_999_999).message


def test_plain_body_has_no_growth_limit(monkeypatch):
    """It is as large as what was received."""
    monkeypatch.setattr(decoding, "GROWTH_FLOOR_BYTES", 0)
    payload = make_payload("/nowhere", DATA)

    assert b"".join(decoded_blocks(payload, max_report_bytes=None)) == DATA
