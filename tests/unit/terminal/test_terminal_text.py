from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.terminal.text import can_encode, pad, shorten, text_width


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("商談", 4), ("e\u0301", 1), ("", 0), ("a\u200bb", 2)])
def test_width_is_that_of_the_terminal(text: str, width: int) -> None:
    """Wide characters take two columns, combining ones none."""
    assert text_width(text) == width
    assert text_width(pad(text, 9)) == text_width(pad(text, 9, right=True)) == 9


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.integers(0, 30))
def test_shortened_text_fits(text: str, width: int) -> None:
    """Never wider than asked; untouched if it fits."""
    found = shorten(text, width)

    assert text_width(found) <= width
    assert found == text or text_width(text) > width


def test_unknown_encoding_shows_nothing() -> None:
    """A stream whose encoding is unknown is treated as ASCII."""
    assert can_encode("a", None)
    assert not can_encode("ä", "no-such-encoding")
    assert can_encode("ä", "latin-1")
