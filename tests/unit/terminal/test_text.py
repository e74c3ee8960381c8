from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sfr.terminal.text import encodable, printable


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
