"""Counting records: what `csv.reader` counts, wherever the blocks are cut."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sfr.body.records import RecordCounter, State
from tests.bodies import bodies, csv_count, every_split, examples


def count(blocks, delimiter=",", *, is_all_quoted):
    """Feed the blocks to a new counter."""
    counter = RecordCounter(delimiter.encode(), is_all_quoted=is_all_quoted)
    for block in blocks:
        counter.feed(block)
    return counter.records


QUOTED = [
    b"",
    b'"a"',
    b'"a","b"\n"1","2"\n',
    b'"a","b"\n"1","2"',
    b'"a"\r\n"1"\r\n\r\n"2"\r\n',
    b'"a"\r"1"\r"2"\n',
    b'"a","b"\n"x\r\ny","\n\n"\n"","\r"\n',
    b'"a"\n""\n""""\n"""\n"""\n""\n',
    b'\n\n"a"\n\n\n"1"\n\n',
    b'"a","b"\n5,6\n"7",8\n9,"0"\n',
    b'"a","b"\n"x\n\ny",""\n5,6\n"x\n",""\n',
    b'"a"\n"open, \n',
    b'"a"\n"x\ny"\n\n"1"\n',
    b'"a"\n"' + bytes(byte for byte in range(256) if byte not in b'"\r\n') + b'"\n"1"\n',
    b'"a"\rb\n"c"\n',
    b'"' + b'","' * 200 + b'"\n' + b'"' + b'","' * 200 + b'\n"\n',
]
OTHER = [
    b"a,b\n1,2\n\n3,4",
    b'a,b\n1,"x\ny"\n"""q""",2\n',
    b'a,b\n5" pipe,x\n6" pipe,y\n',
    b'a,b,c\n"1","2",x"y\nz"\n3,4,5\n',
    b'a,b\n5"",x\n6"",y\n',
    b'a,b\n"x"y"z,"q\n"\n1,2\n',
    b'a,b\n "x\n1",2\n',
    b"\r\r\na\r\n\r\nb\rc\n",
    b"a;b\n;\n\n",
    b'"a"b,c\n,\n"\n',
    b" \n\n \n",
]


@pytest.mark.parametrize("body", QUOTED)
def test_counter_agrees_with_csv_when_all_cells_are_quoted_and_blocks_are_cut_anywhere(body):
    """The fast way gives csv's count at every cut, blank lines, lone CRs and stray plain lines included."""
    for blocks in every_split(body):
        assert count(blocks, is_all_quoted=True) == csv_count(body)


@pytest.mark.parametrize("body", QUOTED + OTHER)
def test_counter_agrees_with_csv_when_cells_are_quoted_anyhow(body):
    """Without a quoted header nothing is taken for granted: ill-formed quoting counts as csv counts it."""
    for blocks in every_split(body):
        assert count(blocks, is_all_quoted=False) == csv_count(body)


@pytest.mark.parametrize("is_all_quoted", [True, False])
@pytest.mark.parametrize("body", QUOTED)
def test_counter_agrees_with_csv_when_fed_byte_by_byte(body, is_all_quoted):
    """The smallest blocks there are."""
    assert count((bytes([byte]) for byte in body), is_all_quoted=is_all_quoted) == csv_count(body)


@examples
@given(bodies(), st.data())
def test_counter_agrees_with_csv_on_generated_bodies(body, data):
    """Any table, encoding, delimiter and line end, cut at any two places."""
    content, _, delimiter = body
    content = content.removeprefix(b"\xef\xbb\xbf")
    first = data.draw(st.integers(0, len(content)))
    second = data.draw(st.integers(first, len(content)))
    blocks = [content[:first], content[first:second], content[second:]]

    assert count(blocks, delimiter, is_all_quoted=True) == csv_count(content, delimiter)
    assert count(blocks, delimiter, is_all_quoted=False) == csv_count(content, delimiter)


@examples
@given(st.text(st.sampled_from('"",\n\r;x '), max_size=30), st.data())
def test_counter_agrees_with_csv_on_any_bytes(text, data):
    """No input makes the exact ways count otherwise than csv."""
    content = text.encode()
    cut = data.draw(st.integers(0, len(content)))

    assert count([content[:cut], content[cut:]], is_all_quoted=False) == csv_count(content)


@examples
@given(st.text(st.sampled_from('",\n\rx'), max_size=40), st.data())
def test_counter_state_is_the_same_wherever_blocks_are_cut(text, data):
    """What the footer search relies on: where the bytes end does not depend on the blocks."""
    content = text.encode()
    cut = data.draw(st.integers(0, len(content)))
    whole, parts = (RecordCounter(b",", is_all_quoted=False) for _ in range(2))
    whole.feed(content)
    parts.feed(content[:cut])
    parts.feed(content[cut:])

    assert whole.state is parts.state


def test_counter_copy_continues_by_itself():
    """A copy shares nothing with its original."""
    counter = RecordCounter(b",", is_all_quoted=True)
    counter.feed(b'"a"\n"b')
    twin = counter.copy()
    twin.feed(b'"\n"c"\n')

    assert (counter.records, counter.state) == (2, State.QUOTED_CELL)
    assert (twin.records, twin.state) == (3, State.RECORD_START)


def test_counter_needs_no_memory_for_an_open_quote():
    """An open quote over many blocks is one record."""
    counter = RecordCounter(b",", is_all_quoted=True)
    counter.feed(b'"a"\n"')
    for _ in range(50):
        counter.feed(b"text \n without end, " * 100)

    assert counter.records == 2
    assert counter.is_inside_quotes


def test_counter_agrees_with_csv_on_a_large_body():
    """Many blocks of a realistic table."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    for number in range(5000):
        writer.writerow([number, "Acme, Inc.", 'the "best"', "street\ncity" if number % 7 else "", "x\r\n\r\ny"])
    content = text.getvalue().encode()
    blocks = (content[start : start + 4001] for start in range(0, len(content), 4001))

    assert count(blocks, is_all_quoted=True) == 5000
