"""Each border's own rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.escaping.chat import chat_text
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.journal import without_priorities
from sfr.escaping.spreadsheet import escape_formulas
from tests.unit.escaping.texts import INVISIBLE, invisible_in


@given(st.text(st.characters(exclude_categories=[])))
def test_escaped_text_hides_nothing(text: str) -> None:
    """Whatever the text is; what is escaped once stays as it is, and can be encoded."""
    escaped = escape_invisible(text)

    assert not invisible_in(escaped)
    assert "\n" not in escaped
    assert escape_invisible(escaped) == escaped
    escaped.encode("utf-8")


@pytest.mark.parametrize("character", INVISIBLE, ids=ascii)
def test_invisible_character_is_named_by_its_escape(character: str) -> None:
    """As Python writes it."""
    assert escape_invisible(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"


def test_lines_stay_when_configured() -> None:
    """A traceback keeps its lines; a carriage return, which could overwrite one, does not stay."""
    assert escape_invisible("a\tb\nc\rd", keep_lines=True) == "a\\tb\nc\\rd"
    assert escape_invisible("a\n") == "a\\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("⚠️ Stale Deals", "⚠️ Stale Deals"),
        ("☑︎", "☑︎"),
        ("A\ufe0f", r"A\ufe0f"),
        ("⚠\ufe0f\ufe0f", "⚠\ufe0f\\ufe0f"),
        ("\u2800\ufe0f", r"\u2800\ufe0f"),
        ("\ufe0f", r"\ufe0f"),
    ],
)
def test_form_of_a_symbol_stays(text: str, shown: str) -> None:
    """A selector is seen after a symbol, and only there."""
    assert escape_invisible(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<0>x", r"\x3c0>x"),
        ("  <7>x", r"  \x3c7>x"),
        ("a\n<0>x\n<31>y", "a\n\\x3c0>x\n\\x3c31>y"),
        ("a <0>", "a <0>"),
        ("<a>", "<a>"),
        ("<1234>", "<1234>"),
        ("<>", "<>"),
    ],
)
def test_only_a_priority_at_the_start_of_a_line_is_escaped(text: str, shown: str) -> None:
    """One to three digits, after blanks too."""
    assert without_priorities(text) == shown


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1", "'=1"),
        ("x;=cmd|calc", "x;'=cmd|calc"),
        (' "=1', " \"'=1"),
        ("x;;\uff1d1", "x;;'\uff1d1"),
        ("\tx", "'\tx"),
        ("\n=1", "'\n'=1"),
        ("'=1", "'=1"),
        ("a=b - c; d", "a=b - c; d"),
        ("2026-11-23", "2026-11-23"),
    ],
)
def test_only_what_begins_a_formula_is_marked(text: str, cell: str) -> None:
    """At the start, or after what a spreadsheet may split at."""
    assert escape_formulas(text) == cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!channel> & co", "&lt;!channel&gt; &amp; co"),
        ("@everyone x@HERE ops@acme.example", "\uff20everyone x\uff20HERE ops@acme.example"),
        ("[click](https://acme.example)", "[click\uff3d(https://acme.example)"),
        (
            "set `fetch.threads` to 2: https://acme.example/a?b=1",
            "set 'fetch.threads' to 2: https://acme.example/a?b=1",
        ),
        ("install sfr[parquet] in [1]", "install sfr[parquet] in [1]"),
        ("at 12:30:45, file.csv: line 3", "at 12:30:45, file.csv: line 3"),
        ("_no_ open_pipeline_2026", "\uff3fno\uff3f open_pipeline_2026"),
        ("a\n> b", r"a\n&gt; b"),
    ],
)
def test_chat_gets_what_it_shows_as_it_is_written(text: str, shown: str) -> None:
    """Addresses, options and names with underscores can still be copied."""
    assert chat_text(text) == shown
