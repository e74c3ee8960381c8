"""The data of a body: proved whole, cut, counted, and handed out byte by byte as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.errors import ErrorKind, ReportError
from sfr.processing.report_data import UNPROVED, ReportData
from tests.bodies import DATA, FOOTER, FOOTER_LINES, bodies, csv_count, every_split, examples, make_payload, tables

OPTIONAL = {"footer": "optional"}


def read(blocks, *, keep_footer=False, report=None, **facts):
    """What comes out of the blocks, and the data's facts."""
    payload = make_payload("/nowhere", b"", report=report, **facts)
    data = ReportData(payload, iter(blocks), keep_footer=keep_footer)
    return b"".join(data), data


def refusal(blocks, **facts):
    """Why the blocks are refused."""
    with pytest.raises(ReportError) as caught:
        read(blocks, **facts)
    return caught.value.kind


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\n", b"\xef\xbb\xbf\r\n"])
def test_data_is_the_body_less_its_footer_when_blocks_are_cut_anywhere(mark):
    """Bytes pass as they are: byte order mark, blank first lines, CRLF in cells."""
    for blocks in every_split(mark + DATA + FOOTER):
        content, data = read(blocks)
        assert (content, data.rows, data.line_end, data.warning) == (mark + DATA, 2, b"", "")


@examples
@given(bodies(), st.sampled_from([FOOTER, FOOTER[:-1]]), st.data())
def test_data_and_rows_are_those_of_csv_on_generated_bodies(body, footer, data):
    """Body ∥ footer → body, counted as csv counts, for any table, encoding, delimiter and two cuts."""
    content, encoding, delimiter = body
    whole = content + footer
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), min_size=2, max_size=2)))
    blocks = [whole[: cuts[0]], whole[cuts[0] : cuts[1]], whole[cuts[1] :]]
    taken, facts = read(filter(None, blocks), report={"encoding": encoding})

    assert taken == content
    assert facts.rows == csv_count(content, delimiter) - 1
    assert facts.header.is_all_quoted


@examples
@given(tables(), st.data())
def test_data_is_never_accepted_when_body_or_footer_is_cut(table, data):
    """A cut at any byte is found, the final LF apart."""
    content = "".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) + "\n" for row in table).encode()
    whole = content + FOOTER
    size = data.draw(st.integers(0, len(whole) - 2))

    assert refusal([whole[:size]] if size else []) in (ErrorKind.TRUNCATED, ErrorKind.EMPTY)


def test_data_larger_than_what_is_held_back_streams_in_constant_memory():
    """Blocks leave as soon as the footer can no longer begin in them."""
    record = b'"1","' + b"x" * 1000 + b'\n"\n'
    whole = b'"a","b"\n' + record * 2000 + FOOTER
    blocks = [whole[start : start + 10_000] for start in range(0, len(whole), 10_000)]
    given_out = []
    source = (given_out.append(len(block)) or block for block in blocks)
    data = ReportData(make_payload("/nowhere", b""), source)
    taken = 0
    for block in data:
        taken += len(block)
        assert sum(given_out) - taken <= 90_000

    assert (taken, data.rows) == (len(whole) - len(FOOTER), 2000)


@pytest.mark.parametrize("blocks", [[], [b"\n"], [b" \r\n", b"\t \n"], [b"\xef\xbb\xbf"], [b"\xef\xbb\xbf \n"]])
def test_data_of_nothing_is_empty(blocks):
    """Nothing, white space, a lone byte order mark: Salesforce ran out of time."""
    assert refusal(blocks) is ErrorKind.EMPTY
    assert refusal(blocks, report=OPTIONAL, has_footer=False) is ErrorKind.EMPTY


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html>",
        b"\n\n  <html>\n",
        b"\xef\xbb\xbf<?xml version='1.0'?>",
        b'{"error":"x"}',
        b'[{"message":"Session expired","errorCode":"INVALID_SESSION_ID"}]',
        b' \n[ {"a":1}]',
        b'  \n"a","b"\n',
        '"a","b"\n'.encode("utf-16"),
    ],
)
def test_data_that_is_no_csv_is_refused_as_such(body):
    """Markup and JSON never become a report, footer or not, wherever the first block ends."""
    for blocks in every_split(body + FOOTER):
        assert refusal(filter(None, blocks)) is ErrorKind.NOT_CSV
    assert refusal([body], report=OPTIONAL) is ErrorKind.NOT_CSV


def test_data_without_end_in_its_first_record_is_refused():
    """A body whose first line never ends does not fill the memory."""
    assert refusal([b"x" * 200_000] * 20) is ErrorKind.NOT_CSV


@pytest.mark.parametrize("body", [DATA, DATA[:-1], DATA + b'"open', b'"Id"\n"1"\n', DATA + b"\n" + DATA])
def test_data_without_footer_is_truncated_when_the_footer_is_required(body):
    """The footer is the only proof; framing is none."""
    assert refusal([body]) is ErrorKind.TRUNCATED
    assert refusal([body], is_framed=False) is ErrorKind.TRUNCATED


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (DATA, DATA),
        (DATA[:-1], DATA),
        (b'"Id"\r\n"1"', b'"Id"\r\n"1"\r\n'),
        (b'"Id"', b'"Id"\n'),
        (b'"a","b"\n\n"1","2"\n', b'"a","b"\n\n"1","2"\n'),
        (b"a;b\n1;2", b"a;b\n1;2\n"),
    ],
)
def test_data_without_footer_is_saved_with_a_warning_when_the_footer_is_optional(body, expected):
    """No trace of a footer: saved, and said to be unproved; one line end at the end."""
    for blocks in every_split(body):
        content, data = read(filter(None, blocks), report=OPTIONAL)
        assert (content, data.warning) == (expected, UNPROVED)


@pytest.mark.parametrize(
    "body",
    [
        DATA + b'"3"',
        DATA + b'"3"\n',
        DATA + b'"3","4","5"\n',
        DATA + b'"3","op\nen',
        DATA + b"\n",
        DATA + b"\n\n",
        DATA + b"\r\n\r\n",
        DATA + FOOTER[:-40],
        DATA + FOOTER + b'"1","2"\n',
        b'"a","b"\n' + b'"1","2"\n' * 300_000 + b'"3"\n',
        b'"a","b"\n"' + b"x" * 2_000_000 + b'"\n',
    ],
)
def test_data_with_a_trace_of_a_cut_is_truncated_when_the_footer_is_optional(body):
    """A part of a footer, an open quote, a last record of another width."""
    blocks = [body[start : start + 65536] for start in range(0, len(body), 65536)]
    assert refusal(blocks, report=OPTIONAL) is ErrorKind.TRUNCATED


def test_data_with_an_optional_footer_is_proved_by_it():
    """Where the footer is there it is cut and proves the body, whatever the framing and the headers say."""
    content, data = read([DATA + FOOTER], report=OPTIONAL, is_framed=False, is_declared_csv=False)

    assert (content, data.warning) == (DATA, "")


def test_data_without_footer_needs_framing_and_a_csv_by_its_headers_when_the_footer_is_optional():
    """There must be evidence that the body is CSV."""
    assert refusal([DATA], report=OPTIONAL, is_framed=False) is ErrorKind.TRUNCATED
    assert refusal([DATA], report=OPTIONAL, is_declared_csv=False) is ErrorKind.NOT_CSV


@pytest.mark.parametrize(
    ("body", "expected"),
    [(DATA, DATA), (DATA[:-1], DATA), (DATA + b"\n\r\n\n", DATA), (DATA + FOOTER, DATA + FOOTER), (b'"a"\r', b'"a"\r')],
)
def test_data_from_an_api_has_no_footer_to_look_for(body, expected):
    """What SFR assembled itself is whole by the API's word; only one line end stays at the end."""
    for blocks in every_split(body):
        content, data = read(filter(None, blocks), has_footer=False)
        assert (content, data.warning) == (expected, "")


def test_data_from_an_api_is_truncated_by_an_open_quote_or_lost_framing():
    """The API's word is worth nothing where the bytes contradict it."""
    assert refusal([b'"a"\n"open'], has_footer=False) is ErrorKind.TRUNCATED
    assert refusal([DATA], has_footer=False, is_framed=False) is ErrorKind.TRUNCATED


@pytest.mark.parametrize("footer", [FOOTER, FOOTER[:-1]])
def test_data_keeps_the_footer_when_configured_and_counts_without_it(footer):
    """`keep_footer`: the body as it came, rows as without; a cut one is refused all the same."""
    for blocks in every_split(DATA + footer):
        content, data = read(filter(None, blocks), keep_footer=True)
        assert (content, data.rows) == (DATA + footer, 2)
    assert refusal([DATA + b"\n\n" + FOOTER_LINES[0]], keep_footer=True) is ErrorKind.TRUNCATED


@pytest.mark.parametrize("body", [b'"Id",', b'"Id","Name",', b'"Id";', b'"Id","Na'])
def test_data_cut_within_its_header_is_truncated(body):
    """It is an export that was cut, which another attempt may fetch whole, and no text in its place."""
    assert refusal([body]) is ErrorKind.TRUNCATED
