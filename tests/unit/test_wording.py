"""How messages show texts of the user."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.wording import MAX_SHOWN_CHARS, did_you_mean, listed, quoted, shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain ä 日", "plain ä 日"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("a\nb\0", "a\\nb\\x00"),
        ("\udcff", "\\udcff"),
        ("x" * 81, "x" * 80 + "…"),
    ],
)
def test_shown_escapes_what_a_terminal_would_act_on(text, expected):
    """Printable characters of any script stay."""
    assert shown(text) == expected


@given(st.text(st.characters(exclude_categories=[])))
def test_shown_is_printable_and_short(text):
    """Whatever it is given."""
    assert shown(text).isprintable()
    assert len(shown(text)) <= MAX_SHOWN_CHARS + 1
    assert quoted(text) == f"'{shown(text)}'"


def test_did_you_mean_names_the_nearest_choice_or_nothing():
    """Upper and lower case do not matter."""
    assert did_you_mean("TIMOUT_S", ["timeout_s", "threads"]) == "; did you mean `timeout_s`?"
    assert did_you_mean("xyz", ["timeout_s", "threads"]) == ""


def test_listed_puts_choices_in_a_row():
    """As a message names them."""
    assert listed(["a", "b"]) == "`a`, `b`"
