"""The list's `filters`, as users write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.odd_characters import odd_character
from sfr.salesforce.row_filters import NO_FILTERS, DateRange, RowFilters, filters_text, parse_row_filters


def test_filters_are_values_by_number_a_date_range_and_a_scope():
    """In any order, with blanks where people like them."""
    text = "scope = organization;2=Closed Won ; date=CREATED_DATE:2026-01-01 .. 2026-01-31; 1=a=b"

    assert parse_row_filters(text) == RowFilters(
        ((1, "a=b"), (2, "Closed Won")), DateRange("CREATED_DATE", "2026-01-01", "2026-01-31"), "organization"
    )


@pytest.mark.parametrize("text", ["", "  ", ";", " ; "])
def test_filters_may_be_none(text):
    """An empty cell is the report as saved."""
    assert parse_row_filters(text) == NO_FILTERS


def test_filters_have_one_text_whatever_their_order():
    """History and `--resume` compare texts, those of earlier versions too."""
    assert str(parse_row_filters("scope=mine; date=2026-01-01 .. 2026-01-31; 2=y")) == (
        "2=y; date=2026-01-01..2026-01-31; scope=mine"
    )
    assert str(parse_row_filters("scope=mine; 10=x; 2=y")) == str(parse_row_filters("2=y;10=x;scope=mine"))


def test_filters_take_a_separator_in_a_value_when_it_is_escaped():
    r"""`\;` is the only escape: other backslashes are the value's own."""
    assert parse_row_filters(r"1=a\;b; 2=C:\dir").values == ((1, "a;b"), (2, r"C:\dir"))


def test_filters_may_set_an_empty_value():
    """A filter on blank cells."""
    assert parse_row_filters("3=").values == ((3, ""),)


def test_filters_have_their_dates_filled_in():
    """The date words of names work in values and ranges."""
    filled = parse_row_filters(
        "1={a}; date={a}..{b}", lambda text: text.replace("{a}", "2026-01-01").replace("{b}", "2026-02-01")
    )

    assert filled == RowFilters(((1, "2026-01-01"),), DateRange("", "2026-01-01", "2026-02-01"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0=x", "expected 1 for the first filter"),
        ("Closed Won", "without a `=`"),
        ("1=a; b", "without a `=`"),
        ("1=a; 1=b", "sets '1' twice"),
        ("1=a; 01=b", "sets '01' twice"),
        ("dat=2026-01-01..2026-01-02", "did you mean `date`?"),
        ("pv0=x", "expected a filter's number from 1"),
        ("date=", "expected `date=FROM..TO`"),
        ("date=2026-01-01", "expected `date=FROM..TO`"),
        ("date=..2026-01-01", "'' in place of a date"),
        ("date=1/1/2026..1/31/2026", "with ISO dates"),
        ("date=2026-02-30..2026-03-01", "'2026-02-30' in place of a date"),
        ("date=2026-02-01..2026-01-01", "ends before it begins"),
        ("date=A B:2026-01-01..2026-02-01", "expected `date=FROM..TO`"),
        ("scope=my team", "expected a name"),
        ("scope=", "expected a name"),
        ("1=a\u200bb", "U+200B"),
        ("1=a\n2=b", "on one line"),
    ],
)
def test_filters_say_what_is_wrong_and_what_is_expected(text, expected):
    """Before anything is fetched."""
    with pytest.raises(ValueError, match=r"\w") as caught:
        parse_row_filters(text)

    assert expected in str(caught.value)


@given(
    st.dictionaries(
        st.integers(1, 99).map(str),
        st.text(max_size=20).map(str.strip).filter(lambda text: odd_character(text) is None and "\\;" not in text),
        min_size=1,
        max_size=4,
    )
)
def test_mapping_and_text_mean_the_same(entries):
    """A YAML item with a mapping becomes the list's text, whatever its values hold."""
    values = parse_row_filters(filters_text(entries)).values

    assert {str(number): value for number, value in values} == entries
