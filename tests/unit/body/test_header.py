"""The header record: where it ends, what dialect it shows, and its labels."""

import pytest

from sfr.body.header import Header, labels_of, read_header, unique_labels


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'"a","b"\n"1"', Header(b'"a","b"', b",", b"\n", True)),
        (b'"a";"b"\r\n1', Header(b'"a";"b"', b";", b"\r\n", True)),
        (b'"a"\t"b"\n1', Header(b'"a"\t"b"', b"\t", b"\n", True)),
        (b'"a;,","b"\n', Header(b'"a;,","b"', b",", b"\n", True)),
        (b'"only"\n', Header(b'"only"', b",", b"\n", True)),
        (b'"li\nne","q""q"\nx', Header(b'"li\nne","q""q"', b",", b"\n", True)),
        (b"a,b\nx", Header(b"a,b", b",", b"\n", False)),
        (b'"a",b;c\nx', Header(b'"a",b;c', b",", b"\n", False)),
        (b'"a"x,"b"\n', Header(b'"a"x,"b"', b",", b"\n", False)),
        (b'a"x,"b"\rz', Header(b'a"x,"b"', b",", b"\r", False)),
        (b"a,\n", Header(b"a,", b",", b"\n", False)),
        (b'\xef\xbb\xbf"a","b"\n', Header(b'"a","b"', b",", b"\n", True)),
        (b'\r\n\n"a","b"\n', Header(b'"a","b"', b",", b"\n", True)),
        (b'\xef\xbb\xbf\n"a"\n', Header(b'"a"', b",", b"\n", True)),
    ],
)
def test_read_header_finds_record_delimiter_and_dialect(body, expected):
    """The first record that is no blank line, whatever its dialect."""
    assert read_header(body, is_whole=True) == expected
    assert read_header(body + b"\nmore", is_whole=False) == expected


def test_read_header_waits_for_more_until_the_record_has_surely_ended():
    """No prefix of a header is taken for the header."""
    body = b'\xef\xbb\xbf"a","b ""x"" \n y",c\r\n'
    for size in range(len(body)):
        assert read_header(body[:size], is_whole=False) is None
    assert read_header(body, is_whole=False) == Header(b'"a","b ""x"" \n y",c', b",", b"\r\n", False)


@pytest.mark.parametrize("body", [b"", b'"a","b"', b'"a","b', b"\n\n", b"\xef\xbb\xbf"])
def test_read_header_takes_what_there_is_when_the_body_is_whole(body):
    """A body without any line end still has a first record, be it empty or open."""
    header = read_header(body, is_whole=True)

    assert header is not None
    assert header.record == body.strip(b"\xef\xbb\xbf\n")


def test_read_header_stays_fast_on_a_long_open_quote():
    """A megabyte of text without a closing quote takes no exponential time."""
    assert read_header(b'"' + b'x""' * 350_000, is_whole=False) is None


@pytest.mark.parametrize(
    ("record", "encoding", "expected"),
    [
        (b'"a","b ""x""",""', "utf-8", ("a", 'b "x"', "")),
        ("\u8868,\u2192".encode("shift_jis"), "shift_jis", ("\u8868", "\u2192")),
        (b'"caf\xe9"', "iso-8859-1", ("café",)),
        (b'"caf\xe9"', "utf-8", ("caf\ufffd",)),
        (b'"' + b"x" * 200_000 + b'"', "utf-8", ('"' + "x" * 200_000 + '"',)),
    ],
)
def test_labels_are_decoded_in_the_encoding_of_the_export(record, encoding, expected):
    """Undecodable labels are replaced; they only inform."""
    assert labels_of(Header(record, b",", b"\n", True), encoding) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("a", "b"), ("a", "b")),
        (("a", "a", "a"), ("a", "a_2", "a_3")),
        (("", "", "x"), ("Label", "Label_2", "x")),
        (("a", "a", "a_2"), ("a", "a_3", "a_2")),
        (("", "Label"), ("Label", "Label_2")),
    ],
)
def test_unique_labels_number_repeated_and_name_empty_ones(labels, expected):
    """No two fields share a name; the first of a name keeps it."""
    assert unique_labels(labels) == expected
