"""Report ids in every form that users have them."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.salesforce.report_ids import checksum, parse_report_id

#: Real ones (salesforce-facts.md §4).
SAMPLES = ("00OD0000001ZbP7MAK", "00OE0000002wlroMAA")
BODIES = st.text(string.ascii_letters + string.digits, min_size=12, max_size=12)


@pytest.mark.parametrize("report_id", SAMPLES)
def test_checksum_matches_real_ids(report_id):
    """The last three letters follow from the fifteen before."""
    assert checksum(report_id[:15]) == report_id[15:]


@pytest.mark.parametrize(
    "text",
    [
        "00OD0000001ZbP7MAK",
        "00OD0000001ZbP7",
        "  00OD0000001ZbP7 ",
        "https://acme.lightning.force.com/lightning/r/Report/00OD0000001ZbP7MAK/view?queryScope=userFolders",
        "https://acme.my.salesforce.com/00OD0000001ZbP7",
        "https://acme.my.salesforce.com/00OD0000001ZbP7?export=1&enc=UTF-8&xf=csv",
        "acme.my.salesforce.com/00OD0000001ZbP7MAK",
        "00OD0000001ZbP7?export=1",
        "https://acme.lightning.force.com/one/one.app#/sObject/00OD0000001ZbP7MAK/view",
        "https://acme.lightning.force.com/x?url=%2F00OD0000001ZbP7",
        "https://acme.my.salesforce.com/00OD0000001ZbP7?id=00OD0000001ZbP7MAK",
    ],
)
def test_parse_report_id_gives_18_characters(text):
    """Either form, and the URLs that browsers show."""
    assert parse_report_id(text) == "00OD0000001ZbP7MAK"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "is empty; expected a report id of 15 or 18 characters"),
        ("00OD0000001ZbP7MAA", "has a wrong checksum"),
        ("00Od0000001ZbP7MAK", "has a wrong checksum"),
        ("00OD0000001ZbP7mak", "last three characters in lower case; expected 00OD0000001ZbP7MAK"),
        ("001D0000001ZbP7", "is not the id of a report: it starts with 001; expected"),
        ("00oD0000001ZbP7", "is not the id of a report"),
        ("00OD0000001ZbP", "(length 14) is not a report id"),
        ("00OD0000001ZbP7M", "(length 16) is not a report id"),
        ("00OD0000001Zb-7", "is not a report id"),
        ("00OD0000001ZbÄ7", "is not a report id"),
        ("00OD0000001Zb７7", "is not a report id"),
        ("a\x1b[31m", "'a\\x1b[31m' is not a report id"),
        ("https://acme.my.salesforce.com/001D0000001ZbP7", "contains no report id"),
        ("https://acme.my.salesforce.com/00OD0000001ZbP7?id=00OD0000001ZbP7MAA", "has a wrong checksum"),
        ("https://acme/00OD0000001ZbP7/00OE0000002wlro", "contains several report ids"),
    ],
)
def test_parse_report_id_says_what_is_wrong(text, expected):
    """With what it found, made harmless, and what it expects."""
    with pytest.raises(ValueError, match=r"expected|copy") as caught:
        parse_report_id(text)

    assert expected in str(caught.value)


@given(BODIES)
def test_parse_report_id_is_the_same_for_both_forms(body):
    """15 and 18 characters name one report, and the long form is its own long form."""
    short_id = "00O" + body
    long_id = parse_report_id(short_id)

    assert long_id[:15] == short_id
    assert parse_report_id(long_id) == long_id


@given(BODIES, st.integers(3, 14))
def test_parse_report_id_refuses_a_letter_in_the_wrong_case(body, place):
    """That is what the checksum is for."""
    long_id = parse_report_id("00O" + body)
    changed = long_id[:place] + long_id[place].swapcase() + long_id[place + 1 :]

    if changed != long_id:
        with pytest.raises(ValueError, match="checksum"):
            parse_report_id(changed)


@given(st.text(max_size=30))
def test_parse_report_id_raises_nothing_but_value_error(text):
    """Whatever is pasted."""
    try:
        report_id = parse_report_id(text)
    except ValueError as error:
        message = str(error)
        report_id = None
    if report_id is None:
        assert message.isprintable()
    else:
        assert len(report_id) == 18
