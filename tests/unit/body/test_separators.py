"""Counting record ends by searches: proved or given up, never guessed."""

import csv
import io
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.body import separators
from sfr.body.records import RecordCounter, State
from tests.bodies import csv_count, examples

SEPARATED = b'"a"\n"b"'


@pytest.fixture
def any_size(monkeypatch):
    """Lets small blocks take the fast path, however many places it has to check."""
    monkeypatch.setattr(separators, "MIN_BYTES", 1)
    monkeypatch.setattr(separators, "MIN_BYTES_PER_CHECK", 0)


def proved(text, *, is_inside=False, delimiter=b","):
    """What is proved of a text between two separators."""
    return record_ends(b'"\n"' + text + b'"\n"', is_inside=is_inside, delimiter=delimiter)


def record_ends(block, *, is_inside=False, delimiter=b","):
    """What a new scanner proves of the largest span of a block."""
    scanner = separators.new_scanner(delimiter)
    return scanner.record_ends(block, scanner.span_of(block), is_inside=is_inside)


def count(blocks, delimiter=b","):
    """Records and final state of blocks in which all cells of the header are quoted."""
    counter = RecordCounter(delimiter, is_all_quoted=True)
    for block in blocks:
        counter.feed(block)
    return counter.records, counter.state


def large_table(cell_of, columns=8, rows=2000):
    """A table as Salesforce writes one, larger than a block."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for row in range(rows):
        writer.writerow([cell_of(row, column) for column in range(columns)])
    return text.getvalue().encode()


TABLES = {
    "short cells": lambda row, column: f"{row}x{column}",
    "line breaks, CRLF": lambda row, column: "two\r\nlines" if (row + column) % 20 == 0 else "one",
    "line breaks, LF, blank lines": lambda row, column: "a\n\nb\n" if row % 9 == column else "one",
    "doubled quotes": lambda row, column: 'the "best"' if row % 5 == column else "plain",
    "empty first and last cells": lambda row, column: "" if column in (0, 7) else "x",
    "nearly empty": lambda row, column: "x" if row % 8 == column else "",
    "a comma at the ends": lambda row, column: ",x," if column in (0, 7) else "x",
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.usefixtures("any_size")
def test_record_ends_are_proved_for_tables_as_salesforce_writes_them(name):
    """The fast path counts what it exists for, instead of giving up: its result is csv's count."""
    table = large_table(TABLES[name])
    first, last = separators.new_scanner(b",").span_of(table)

    assert record_ends(table) == (csv_count(table[first + 1 : last + 1]) - 1, False)


@pytest.mark.parametrize("name", TABLES)
def test_counter_agrees_with_csv_on_large_tables_with_and_without_the_library(name, monkeypatch):
    """Both ways give the same records and state, in blocks as workers read them."""
    table = large_table(TABLES[name])
    blocks = [table[start : start + 20_001] for start in range(0, len(table), 20_001)]
    fast = count(blocks)
    monkeypatch.setattr(separators, "_library", lambda: None)

    assert fast == count(blocks) == (csv_count(table), State.RECORD_START)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        (b'x"\n"y', 1),
        (b'","\n","', None),
        (b'x","\n","y"\n"z', None),
        (b'""\n""', None),
        (b'x""\n""y', None),
        (b'x"\n5,6\n"y', None),
        (b'x",8\n"y', None),
        (b'x"\r\n"y', None),
        (b"x\r\ny", 0),
        (b"x\ry", None),
        (b'x"\n\n"y', None),
        (b'x\n\n""\n\ny', 0),
        (b'x","","\r\n\r\n\n","y"\n"z', 1),
        (b'x",""\n"","y', 1),
        (b'x,"\n",y', 1),
        (b'x\n"\n"y', 1),
        (b'x"\n"\ny', 1),
        (b'x"\n"\n"y', None),
        (b'\n"y', None),
        (b'x","\n\n\n","y"\n"z', 1),
        (b'x\ny","z",5\n"w', None),
        (b'x",""\n"""\n""y', None),
    ],
)
@pytest.mark.usefixtures("any_size")
def test_record_ends_are_given_up_where_the_text_leaves_a_doubt(text, ends):
    """Plain cells, blank lines, CRs and separators inside cells are left to the exact ways; the rest is counted."""
    result = proved(text)

    assert result is None if ends is None else result == (ends, False)


@pytest.mark.usefixtures("any_size")
def test_record_ends_know_whether_the_part_ends_inside_a_cell():
    """A part that starts inside a cell, or holds an odd quote, ends inside one."""
    assert proved(b"x\r\ny", is_inside=True) is None
    assert proved(b'x","y', is_inside=False) == (0, False)
    assert proved(b'x"\n"y"\n"z,"', is_inside=False) == (2, True)


def test_span_is_none_for_small_blocks_and_where_there_is_no_separator():
    """Small blocks are not worth the searches, and text without a separator gives no place to start."""
    scanner = separators.new_scanner(b",")

    assert scanner.span_of(SEPARATED) is None
    assert scanner.span_of(b"x" * 100_000) is None


def test_scanner_is_none_where_the_library_cannot_be_imported(monkeypatch):
    """Everything is left to the pure-Python ways."""
    monkeypatch.setitem(sys.modules, "stringzilla", None)
    separators._library.cache_clear()
    try:
        assert separators.new_scanner(b",") is None
    finally:
        separators._library.cache_clear()


@pytest.mark.usefixtures("any_size")
def test_scanner_gives_the_same_for_blocks_of_any_size_in_turn():
    """Its buffers, kept from larger blocks, leave no trace in the results."""
    scanner = separators.new_scanner(b",")
    blocks = [large_table(TABLES["nearly empty"], rows=rows) for rows in (2000, 500, 3000, 200)]
    results = [scanner.record_ends(block, scanner.span_of(block), is_inside=False) for block in blocks]

    assert results == [record_ends(block) for block in blocks]
    assert None not in results


def test_record_ends_are_given_up_when_too_many_places_need_a_check():
    """Where every few bytes need a look, another method is faster."""
    table = large_table(lambda row, column: "", columns=2)

    assert record_ends(table) is None


quoted_cells = st.text(st.sampled_from('"",\n\r;xx'), max_size=6).map(lambda text: '"' + text.replace('"', '""') + '"')
plain_cells = st.sampled_from(["", "5", "x y"])


@st.composite
def quoted_bodies(draw):
    """Rows under a header whose cells are all quoted, with the delimiter; some cells of the rows may be plain."""
    delimiter = draw(st.sampled_from(",;"))
    width = draw(st.integers(1, 4))
    cells = draw(st.sampled_from([quoted_cells, st.one_of(quoted_cells, plain_cells)]))
    rows = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=12))
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    header = ['"label"'] * width
    return "".join(delimiter.join(row) + line_end for row in [header, *rows]).encode(), delimiter


@examples
@given(quoted_bodies(), st.data())
def test_counter_agrees_with_csv_on_generated_bodies_when_all_blocks_may_take_the_fast_path(body, data):
    """Any quoting under a quoted header, cut at any two places: csv's records, and the exact state machine's state."""
    content, delimiter = body
    first = data.draw(st.integers(0, len(content)))
    second = data.draw(st.integers(first, len(content)))
    exact = RecordCounter(delimiter.encode(), is_all_quoted=False)
    exact.feed(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(separators, "MIN_BYTES", 1)
        patch.setattr(separators, "MIN_BYTES_PER_CHECK", 0)
        counted = count([content[:first], content[first:second], content[second:]], delimiter.encode())

    assert counted == (csv_count(content, delimiter), exact.state)
