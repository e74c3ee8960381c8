from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from sfr.terminal.rendering import Column, paragraph, table_text

COLUMNS = (Column("Name", is_cut=True), Column("Rows", is_number=True))


def test_column_of_words_is_cut_when_the_table_is_too_wide() -> None:
    """Figures are never cut, words are, with an ellipsis; columns stay aligned."""
    text = table_text(COLUMNS, [("a very long name of a report", "1,234"), ("商談", "5")], 20)

    assert text.splitlines() == [
        "Name            Rows",
        "────────────────────",
        "a very long …  1,234",
        "商談               5",
    ]
    assert {cell_len(line) for line in text.splitlines()} == {20}


def test_table_is_no_wider_than_its_cells() -> None:
    """A wide terminal leaves the table narrow."""
    assert table_text(COLUMNS, [("a", "1")], 200).splitlines()[0] == "Name  Rows"
    assert len(table_text(COLUMNS, [], 80).splitlines()) == 2


def test_table_is_not_cut_when_there_is_no_terminal() -> None:
    """What goes into a file or through a pipe is whole."""
    name = ("a very long name of a report " * 20).strip()

    assert name in table_text(COLUMNS, [(name, "1")], None).splitlines()[2]


def test_columns_that_may_go_do_when_the_table_is_too_wide_all_the_same() -> None:
    """The last of them first; the others keep their width."""
    columns = (*COLUMNS, Column("Seconds", is_number=True, is_optional=True), Column("Tries", is_optional=True))
    row = ("a very long name", "1,234", "12.0", "1")

    heads = [table_text(columns, [row], width).split("\n")[0].split() for width in (None, 40, 30, 20)]

    assert heads == [
        ["Name", "Rows", "Seconds", "Tries"],
        ["Name", "Rows", "Seconds", "Tries"],
        ["Name", "Rows", "Seconds"],
        ["Name", "Rows"],
    ]


@pytest.mark.parametrize("rows", [199, 200, 201, 1000])
def test_long_table_is_one_table(rows: int) -> None:
    """Laid out in parts, all of the same widths, with one head."""
    cells = [("x" * (1 + number % 7 * (number > 150)), f"{number:,}") for number in range(rows)]
    lines = table_text(COLUMNS, cells, 80).splitlines()

    assert len(lines) == rows + 2
    assert len(set(map(len, lines))) == 1
    assert [line.split()[-1] for line in lines[2:]] == [f"{number:,}" for number in range(rows)]


def test_cells_are_data() -> None:
    """Markup, emoji codes and control characters mean nothing."""
    text = table_text(COLUMNS, [("[red]x[/red] :smile: \x1b[1m", "1")], None)

    assert r"[red]x[/red] :smile: \x1b[1m" in text


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_table_is_drawn_with_ascii_when_the_stream_may_lack_lines(encoding: str) -> None:
    """No box characters; cells keep what the stream can show."""
    text = table_text(COLUMNS, [("ä – 商", "1")], None, encoding)

    text.encode(encoding)
    assert set(text.splitlines()[1]) == {"-"}


def test_first_cells_are_painted_when_they_have_styles() -> None:
    """And nothing else."""
    text = table_text(COLUMNS, [("a", "1"), ("b", "2")], None, styles=["green", "bold red"])

    assert "\x1b[32ma\x1b[0m" in text
    assert "\x1b[1;31mb\x1b[0m" in text
    assert text.count("\x1b") == 4


@given(st.lists(st.tuples(st.text(max_size=40), st.text(max_size=9)), max_size=5), st.integers(60, 200))
def test_whatever_the_cells_hold_is_aligned_and_fits(rows: list[tuple[str, str]], width: int) -> None:
    """Wide, narrow and invisible characters alike."""
    lines = table_text(COLUMNS, [(name, "1") for name, _ in rows], width).splitlines()

    assert len(lines) == len(rows) + 2
    assert max(map(cell_len, lines)) <= width


def test_paragraph_is_wrapped_and_indented() -> None:
    """The first line is led in, the others are indented; control characters are escaped; markup is data."""
    assert [*paragraph("one two three four", 14, first="→ ", indent="  ")] == ["→ one two", "  three four"]
    assert [*paragraph("a\x1bb [bold] :smile:", 80)] == ["a\\x1bb [bold] :smile:"]
    assert [*paragraph("", 80, first="  → ")] == ["  →"]
    assert max(map(cell_len, paragraph("商談レポート" * 30, 30, indent="  "))) <= 30
