"""Reading requests: heads, bodies in both framings, and what is refused."""

from __future__ import annotations

import io

import pytest

from sfr.emulator.http.reader import BadRequest, read_request
from sfr.emulator.http.request import Request


def read(raw: bytes) -> Request | None:
    """One request from bytes."""
    return read_request(io.BytesIO(raw), "http", "127.0.0.1", lambda: None)


def test_request_has_its_parts() -> None:
    """Method, path, query with empty values, headers in lower case, cookie, body."""
    request = read(
        b"POST /00O?export=&enc=UTF-8&pv1=4/1/2019 HTTP/1.1\r\nHost: x\r\nCookie: a=b; sid=00D!x.y\r\n"
        b"Authorization: Bearer abc\r\nContent-Length: 7\r\n\r\na=1&b=2"
    )
    assert request is not None
    assert (request.method, request.path, request.sid, request.bearer) == ("POST", "/00O", "00D!x.y", "abc")
    assert request.query == {"export": "", "enc": "UTF-8", "pv1": "4/1/2019"}
    assert request.form == {"a": "1", "b": "2"}
    assert request.credential == "both"


def test_chunked_body_is_joined() -> None:
    """Chunk extensions and trailers are skipped."""
    request = read(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n")
    assert request is not None
    assert request.body == b"abcde"


def test_expectation_is_met_before_the_body_is_read() -> None:
    """`Expect: 100-continue` calls `send_continue`."""
    calls: list[int] = []
    raw = b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
    request = read_request(io.BytesIO(raw), "http", "", lambda: calls.append(1))
    assert (request is not None, calls) == (True, [1])


def test_end_of_connection_is_no_request() -> None:
    """Nothing more to read."""
    assert read(b"") is None


@pytest.mark.parametrize(
    "raw",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 300 + b"\r\n",
    ],
)
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    """BadRequest, with a status to response."""
    with pytest.raises(BadRequest) as refused:
        read(raw)
    assert 400 <= refused.value.status < 500


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("gzip", True),
        ("gzip, deflate", True),
        ("deflate, gzip;q=0.5", True),
        ("gzip;q=0", False),
        ("br", False),
        ("", False),
    ],
)
def test_gzip_is_used_when_it_is_accepted(header: str, accepted: bool) -> None:
    """Accept-Encoding with weights."""
    assert Request("GET", "/", {"accept-encoding": header}).accepts_gzip is accepted
