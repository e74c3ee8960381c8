"""The query string of a classic export."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.salesforce.export_params import DEFAULT_PARAMS, find_codec, parse_export_params


@pytest.mark.parametrize(
    ("text", "query", "encoding"),
    [
        ("", DEFAULT_PARAMS, "utf-8"),
        ("?export=1&enc=UTF-8&xf=csv&isdtp=p1", DEFAULT_PARAMS, "utf-8"),
        ("export=1&enc=UTF-8", "?export=1&enc=UTF-8", "utf-8"),
        ("&export=1", "?export=1", "utf-8"),
        ("?export=csv&enc=UTF-8&isdtp=p1", "?export=csv&enc=UTF-8&isdtp=p1", "utf-8"),
        (
            "?export=&xf=localecsv&enc=UTF-8&scope=organization&pv1=4/1/2019&pv2=4/7/2019&isdtp=p1",
            "?export=&xf=localecsv&enc=UTF-8&scope=organization&pv1=4/1/2019&pv2=4/7/2019&isdtp=p1",
            "utf-8",
        ),
        ("?export", "?export", "utf-8"),
        ("?export=1&enc=ISO-8859-1", "?export=1&enc=ISO-8859-1", "iso8859-1"),
        ("?export=1&enc=Shift_JIS", "?export=1&enc=Shift_JIS", "shift_jis"),
        ("?export=1&enc=windows%2D1252", "?export=1&enc=windows%2D1252", "cp1252"),
        ("?export=1&pv0=Müller", "?export=1&pv0=M%C3%BCller", "utf-8"),
        ("?export=1&pv0=a%20b|c", "?export=1&pv0=a%20b|c", "utf-8"),
    ],
)
def test_parse_export_params_takes_what_salesforce_takes(text, query, encoding):
    """The forms in use, a missing `?` added, other scripts encoded."""
    params = parse_export_params(text)

    assert (params.query, params.encoding) == (query, encoding)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("?enc=UTF-8&xf=csv", "does not request an export: `export=1` is missing"),
        ("?Export=1", "found 'Export': names are case-sensitive"),
        ("?", "does not request an export"),
        ("https://acme.my.salesforce.com/00O?xport=1", "is a URL; expected only its query string"),
        ("?export=1&xf=xlsx", "completeness for CSV only; expected xf=csv or xf=localecsv"),
        ("?export=1&xf=xls", "completeness for CSV only"),
        ("?export=1&xf=cvs", "has the unknown value xf='cvs'; did you mean `csv`?"),
        ("?export=1&enc=UTF-16", "requests enc='UTF-16', in which an ASCII byte may be part of another"),
        ("?export=1&enc=ISO-2022-JP", "in which an ASCII byte may be part of another"),
        ("?export=1&enc=UTF-99", "requests the unknown encoding enc='UTF-99'"),
        ("?export=1&enc=rot13", "requests the unknown encoding"),
        ("?export=1&enc=", "requests the unknown encoding"),
        ("?export=1&enc=UTF-8&enc=UTF-16", "sets `enc` twice"),
        ("?export=1&pv0=a b", "has a space or control character"),
        ("?export=1&pv0=a\r\nHost: x", "has a space or control character"),
        ("?export=1&pv0=\x7f", "has a space or control character"),
        ("?export=1#x", "has a `#`"),
        ("?export=1&pv0=50%", "has a `%` that is not followed by two hexadecimal digits"),
    ],
)
def test_parse_export_params_says_what_is_wrong(text, expected):
    """What would break the URL, the completeness check, or is no export."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_export_params(text)

    assert expected in str(caught.value)


@pytest.mark.parametrize(
    "enc", ["UTF-7", "HZ", "UTF-32", "cp037", "iso2022_kr", "idna", "punycode", "raw_unicode_escape"]
)
def test_find_codec_refuses_encoding_in_which_ascii_bytes_are_not_ascii(enc):
    """The footer is found on bytes."""
    with pytest.raises(ValueError, match="ASCII byte"):
        find_codec(enc)


@pytest.mark.parametrize(
    "enc", ["UTF-8", "ISO-8859-15", "windows-1252", "Shift_JIS", "GB18030", "Big5", "EUC-KR", "US-ASCII"]
)
def test_find_codec_takes_encodings_that_salesforce_offers(enc):
    """All of those in which ASCII stays ASCII."""
    assert b"a,\n".decode(find_codec(enc)) == "a,\n"


@given(st.text(max_size=20) | st.text(alphabet="?&=export1encxfUTF-8%#. {}", max_size=40).map("export=1&".__add__))
def test_parse_export_params_gives_ascii_that_is_safe_in_a_request_line(text):
    """Or a ValueError with a printable text."""
    try:
        query = parse_export_params(text).query
    except ValueError as error:
        message = str(error)
        query = None
    if query is None:
        assert message.isprintable()
    else:
        assert query.isascii()
        assert query.startswith("?")
        assert not set(query) & set(" \t\r\n#\x00\x7f")
