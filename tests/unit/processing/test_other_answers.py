"""What comes in place of a CSV is refused by its kind or its words; what is recognisably CSV is accepted."""

import gzip

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.model import Baseline
from sfr.processing.file_kinds import FILE_KINDS
from sfr.processing.report_data import ReportData
from tests.bodies import DATA, FOOTER, every_split, make_payload

OPENINGS = [opening for kind in FILE_KINDS for opening in kind.openings]
#: In place of a report, and what another attempt may find.
TEXTS = {
    b"An internal server error has occurred\n": ErrorKind.SERVER,
    b"An internal server error has occurred\n\n": ErrorKind.SERVER,
    b"\r\n  Service Unavailable\n\n\nRef. 1\n": ErrorKind.SERVER,
    b"upstream connect error or disconnect/reset before headers. reset reason: connection failure": ErrorKind.SERVER,
    b"upstream connect error, reset\nreason: overflow, again\n": ErrorKind.SERVER,
    b'"An internal server error has occurred"\n': ErrorKind.SERVER,
    b'{"error": "upstream request timeout"}': ErrorKind.SERVER,
    b'[{"message":"x","errorCode":"SERVER_UNAVAILABLE"}]': ErrorKind.SERVER,
    b"<?xml version='1.0'?><Error><Code>ServiceUnavailable</Code>Service Unavailable</Error>": ErrorKind.SERVER,
    b"Concurrent requests limit exceeded": ErrorKind.RATE_LIMITED,
    b"RBAC: access denied": ErrorKind.NOT_CSV,
    b"Something, somewhere\nwent wrong\n": ErrorKind.NOT_CSV,
    b"Oops\nDetails follow\n\n\nReference: 0.1f\n": ErrorKind.NOT_CSV,
    b"OK": ErrorKind.NOT_CSV,
    b"[]": ErrorKind.NOT_CSV,
    b"null\n": ErrorKind.NOT_CSV,
    b'cannot open "report.csv': ErrorKind.NOT_CSV,
    "Der Bericht ließ sich nicht öffnen\n".encode("iso-8859-1"): ErrorKind.NOT_CSV,
    b"Id,Name\n": ErrorKind.NOT_CSV,
}
#: Of no kind that the table has.
BINARY = (b"\x01\x02\x03,\n\x04,\n", b'"a\0","b"x\n1,2\n', b"\x8b\x02\x80Hello\x03", bytes(2_000_000))


def read(body, *, footer, blocks=None, **facts):
    """The data of the body, taken to its end."""
    payload = make_payload("/nowhere", b"", report={"footer": footer}, **facts)
    data = ReportData(payload, iter(blocks or [body]))
    return b"".join(data)


def refusal(body, **facts):
    """Why the body is refused."""
    with pytest.raises(ReportError) as caught:
        read(body, **facts)
    return caught.value


@pytest.mark.parametrize("footer", ["optional", "required"])
@pytest.mark.parametrize("opening", OPENINGS)
def test_file_of_another_kind_is_refused_by_name_and_for_good(opening, footer):
    """Framed or not, called a CSV or not, with the footer required or optional."""
    for facts in ({}, {"is_framed": False}, {"is_declared_csv": False}):
        error = refusal(opening + b"\n\n\n, and more\n" * 100, footer=footer, **facts)
        assert (error.kind, error.is_retryable) == (ErrorKind.NOT_CSV, False)
        assert any(kind.name in str(error) for kind in FILE_KINDS if opening in kind.openings)
        assert "footer" not in str(error)


@pytest.mark.parametrize("footer", ["optional", "required"])
@pytest.mark.parametrize("body", BINARY, ids=[repr(body[:8]) for body in BINARY])
def test_unknown_binary_data_is_refused_for_good(body, footer):
    """The first bytes are named, so that somebody may know them."""
    error = refusal(body, footer=footer)

    assert (error.kind, error.is_retryable) == (ErrorKind.NOT_CSV, False)
    assert body[:8].hex(" ") in str(error)


@pytest.mark.parametrize(("body", "kind"), TEXTS.items(), ids=[repr(body[:20]) for body in TEXTS])
def test_text_is_refused_and_quoted(body, kind):
    """With the footer required, a transient fault is retried; where it is optional, a text is permanent."""
    words = body.decode("latin-1").split()[-1].strip('"')
    for blocks in every_split(body):
        assert refusal(b"", blocks=list(filter(None, blocks)), footer="required").kind is kind
    for footer, expected in (("required", kind), ("optional", ErrorKind.NOT_CSV)):
        for facts in ({}, {"is_framed": False}, {"is_declared_csv": False}):
            error = refusal(body, footer=footer, **facts)
            assert error.kind is expected
            assert words in str(error) or "\ufffd" in str(error)
            assert "footer" not in str(error)


def test_text_is_quoted_without_what_a_terminal_acts_on_and_not_at_length():
    """About 200 characters, in one line, control characters escaped."""
    error = refusal(b"Sorry\x1b[31m\n" + b"word " * 5000, footer="required")

    assert r"Sorry\x1b[31m word word" in error.message
    assert len(error.message) < 300


@pytest.mark.parametrize(
    "body",
    [
        b'"Id"\n',
        b'"Id"',
        b'"Id","Name"\n',
        b'\xef\xbb\xbf"Id";"Name"\r\n',
        b'"Service Unavailable","Id"\n',
        b'"Upstream Account"\n',
        b'"Blocked"\n',
        b'"Policy Number"\n"1"\n',
        b"a;b\n1;2\n",
        b"a,b\n1,2",
        b'\xef\xbb\xbfa\tb\r\n1\t"x\ny"\r\n',
        "名前,年\n山,1\n".encode("shift_jis"),
        b'Id,"Na ""me"""\n"1","2"\n',
    ],
)
def test_csv_without_a_footer_is_accepted_when_the_footer_is_optional(body):
    """A header row of quoted cells, rows or none; or two records of one width in any dialect."""
    assert read(body, footer="optional").rstrip() == body.rstrip()


def known(*labels, rows=1):
    """The last good run, with these columns."""
    return Baseline(rows, labels, None, None, None, None)


@pytest.mark.parametrize("body", [b"Id,Name\n", b"Id\n", b"Id\n1\n2\n", b'"Request Timeout"\n'])
def test_unquoted_header_is_accepted_when_the_last_good_run_had_it(body):
    """Known columns are evidence of a CSV, but not those of a run without rows, which a text looks like."""
    labels = body.decode().split("\n")[0].replace('"', "").split(",")

    assert read(body, footer="optional", baseline=known(*labels)) == body
    for before in (None, known("Other"), known(*labels, rows=0)):
        assert refusal(body, footer="optional", baseline=before).kind is ErrorKind.NOT_CSV


@pytest.mark.parametrize("body", [b"a;b\n1;2\n", b"a,b\n1,2", DATA, b'"Id"\n', b'"Id","Na'])
def test_csv_without_a_footer_stays_truncated_when_the_footer_is_required(body):
    """It was cut, or the org writes no footer."""
    assert refusal(body, footer="required").kind is ErrorKind.TRUNCATED


@pytest.mark.parametrize("header", [b"a,b", b"Service Unavailable", b'"timed out"'])
@pytest.mark.parametrize("footer", ["optional", "required"])
def test_footer_proves_a_body_whatever_its_header_looks_like(header, footer):
    """No other evidence is needed."""
    assert read(header + b"\n" + FOOTER, footer=footer) == header + b"\n"


@pytest.mark.parametrize("body", [b"Id\n", b"Id,Name\n", b"OK", b"Service Unavailable\n", b"a\x01\n"])
def test_csv_that_an_api_sent_needs_no_further_evidence(body):
    """SFR assembled it itself."""
    payload = make_payload("/nowhere", b"", has_footer=False)

    assert b"".join(ReportData(payload, iter([body]))).rstrip() == body.rstrip()


@pytest.mark.parametrize("body", [b"PK\3\4\x14\0", b"<table><td>Id</td></table>", b"\xff\xfeI\0d\0"])
def test_another_file_in_place_of_a_querys_rows_gets_no_advice_about_exports(body):
    """A query has no export parameters, and no address to open in a browser."""
    payload = make_payload("/nowhere", b"", has_footer=False)

    with pytest.raises(ReportError) as raised:
        list(ReportData(payload, iter([body])))

    assert raised.value.kind is ErrorKind.NOT_CSV
    assert "optional_export_params" not in str(raised.value)
    assert "browser" not in str(raised.value)


def test_gzip_within_gzip_is_named():
    """What a gateway that compresses once more makes of an export."""
    error = refusal(gzip.compress(DATA + FOOTER, mtime=0), footer="required", content_encoding="gzip")

    assert "gzip data inside" in error.message
    assert "proxy" in error.remedy


@pytest.mark.parametrize("body", [b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"])
def test_byte_order_mark_alone_is_an_empty_answer(body):
    """Whole or cut; another attempt may fetch more."""
    assert refusal(body, footer="required").kind is ErrorKind.EMPTY
