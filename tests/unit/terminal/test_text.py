from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfr.terminal.text import encodable, escape_control, printable


@given(st.text())
def test_escaped_text_moves_no_cursor(text: str) -> None:
    """Nothing is left that a terminal acts on, and the text can be encoded."""
    escaped = escape_control(text)

    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 or "\u202a" <= c <= "\u202e" for c in escaped)
    escaped.encode("utf-8")
    assert escape_control(escaped) == escaped


def test_lines_and_tabs_stay_when_asked() -> None:
    """A traceback keeps its lines; a carriage return, which could overwrite one, does not stay."""
    assert escape_control("a\tb\nc\rd", keep_lines=True) == "a\tb\nc\\rd"
    assert escape_control("a\n") == "a\\n"


def test_encodable_text_falls_back_to_ascii() -> None:
    """Typographic signs become their plain likes, other characters escapes."""
    assert encodable("– → ä", "utf-8") == "– → ä"
    assert encodable("– → ä", "latin-1") == "- -> ä"
    assert encodable("– ä", None) == "- \\xe4"
    assert encodable("ä", "no-such-encoding") == "\\xe4"


@given(st.text(), st.sampled_from(["utf-8", "latin-1", "cp932", None]))
def test_printable_text_is_one_line_that_the_stream_can_show(text: str, encoding: str | None) -> None:
    """Whatever somebody named a report."""
    found = printable(text, encoding)

    found.encode(encoding or "ascii")
    assert len(found.splitlines()) <= 1
