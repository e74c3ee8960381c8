from __future__ import annotations

from sfr.terminal.text import text_width
from sfr.terminal.text_table import Column, encodable, paragraph, table_lines

COLUMNS = (Column("Name", gives_way=True), Column("Rows", is_number=True))


def test_column_of_words_gives_way_when_the_table_is_too_wide() -> None:
    """Figures are never cut, words are, with an ellipsis; columns stay aligned."""
    lines = table_lines(COLUMNS, [("a very long name of a report", "1,234"), ("商談", "5")], 20)

    assert lines == [
        "Name            Rows",
        "─────────────  ─────",
        "a very long…   1,234",
        "商談               5",
    ]
    assert {text_width(line) for line in lines} == {20}


def test_table_is_no_wider_than_its_cells() -> None:
    """A wide terminal leaves the table narrow."""
    assert table_lines(COLUMNS, [("a", "1")], 200)[0] == "Name  Rows"
    assert len(table_lines(COLUMNS, [], 80)) == 2


def test_table_is_not_cut_when_there_is_no_terminal() -> None:
    """What goes into a file or through a pipe is whole."""
    name = "a very long name of a report " * 20

    assert name.strip() in table_lines(COLUMNS, [(name.strip(), "1")], None)[2]


def test_paragraph_is_wrapped_and_indented() -> None:
    """The first line is led in, the others are indented; control characters are escaped."""
    assert paragraph("one two three four", 14, first="→ ", indent="  ") == ["→ one two", "  three four"]
    assert paragraph("a\x1bb", 80) == ["a\\x1bb"]
    assert paragraph("", 80, first="  → ") == ["  →"]


def test_encodable_text_falls_back_to_ascii() -> None:
    """Typographic signs become their plain likes, other characters escapes."""
    assert encodable("– → ä", "utf-8") == "– → ä"
    assert encodable("– → ä", "latin-1") == "- -> ä"
    assert encodable("– ä", None) == "- \\xe4"
    assert encodable("ä", "no-such-encoding") == "\\xe4"
