"""First and last rows of a report, compared with its filters."""

import pytest

from sfr.body.header import read_header
from sfr.errors import ErrorKind, ReportError
from sfr.model import ValueCheck
from sfr.processing.row_checks import KEPT_BYTES, RowSample, agreement, meets
from tests.bodies import make_payload, run

HEADER = b'"Stage","Notes"\n'
WON = ValueCheck("filter 1", "Stage", "picklist", "equals", ("Won",))


def sample_of(data, block_bytes=1000):
    """What is kept of these bytes."""
    sample = RowSample(read_header(data, is_whole=True), "utf-8")
    blocks = [data[start : start + block_bytes] for start in range(0, len(data), block_bytes)]
    assert b"".join(sample.observed(blocks)) == data
    return sample


def row(stage, notes="x"):
    """One record."""
    return f'"{stage}","{notes}"\n'.encode()


AWKWARD = 'He said ""no""\n"",""Won""\n""Lost"",\n'


@pytest.mark.parametrize(("rows", "block_bytes"), [(0, 7), (1, 7), (3, 7), (3, 4096), (5_000, 4096), (5_000, 10**9)])
def test_sample_holds_the_first_and_the_last_rows_however_they_arrive(rows, block_bytes):
    """Line breaks and quotes in cells do not shift the records at the end."""
    data = HEADER + b"".join(row(f"S{number}", AWKWARD) for number in range(rows))
    found = [cells[0] for cells in sample_of(data, block_bytes).rows()]

    if rows:
        assert found[0] == "S0"
        assert found[-1] == f"S{rows - 1}"
    assert (len(data) > KEPT_BYTES) == (rows == 5_000)
    assert all(cells[1] == AWKWARD.replace('""', '"') for cells in sample_of(data).rows())


def test_violation_in_the_last_row_is_invalid():
    """A filter that was ignored lets other rows through, wherever they are sorted."""
    data = HEADER + row("Won", AWKWARD) * 5_000 + row("Lost")
    with pytest.raises(ReportError) as caught:
        agreement((WON,), sample_of(data))

    assert caught.value.kind is ErrorKind.INVALID
    assert "did not apply filter 1: a row has 'Lost' in the column 'Stage'" in caught.value.message


def test_agreement_names_the_filters_that_could_be_read():
    """A column that is missing, or comes twice, is not named."""
    other = ValueCheck("filter 2", "Region", "picklist", "equals", ("EMEA",))

    assert agreement((WON, other), sample_of(HEADER + row("Won"))) == "The first and last rows agree with filter 1."
    assert agreement((WON,), sample_of(b'"Stage","Stage"\n"Won","Lost"\n')) == ""
    assert agreement((WON,), sample_of(HEADER)) == ""


@pytest.mark.parametrize(
    ("kind", "operator", "values", "cell", "expected"),
    [
        ("picklist", "equals", ("Won", "Lost"), "lost", True),
        ("picklist", "equals", ("",), "", True),
        ("picklist", "equals", ("Won",), "", False),
        ("string", "equals", ("$USER",), "Jane Roe", None),
        ("string", "notEqual", ("a",), "A", False),
        ("string", "contains", ("b", "c"), "abba", True),
        ("string", "notContain", ("b",), "abba", False),
        ("string", "startsWith", ("ab",), "Abba", True),
        ("string", "lessThan", ("b",), "a", None),
        ("currency", "greaterOrEqual", ("100",), "99.99", False),
        ("currency", "greaterOrEqual", ("100",), "100.00", True),
        ("currency", "greaterOrEqual", ("USD 100",), "5", None),
        ("currency", "lessThan", ("100",), "1.000,00", None),
        ("percent", "lessThan", ("50",), "60%", False),
        ("int", "equals", ("5", "6"), "6", True),
        ("int", "lessThan", ("5",), "", None),
        ("date", "between", ("2026-01-01", "2026-01-31"), "1/31/2026", True),
        ("date", "between", ("2026-01-01", "2026-01-31"), "2/1/2026", True),
        ("date", "between", ("2026-01-01", "2026-01-31"), "2/13/2026", False),
        ("date", "between", ("2026-01-01", "2026-01-31"), "01.02.2026", False),
        ("datetime", "between", ("2026-01-01", "2026-01-31"), "2026-01-31 23:59", True),
        ("datetime", "greaterThan", ("2026-06-30",), "1/2/2026 3:04 PM", False),
        ("date", "equals", ("THIS_MONTH",), "1/2/2026", None),
        ("date", "between", ("2026-01-01", "2026-01-31"), "31 January 2026", None),
        ("currency", "between", ("5",), "7", None),
        ("boolean", "equals", ("true",), "0", None),
        ("multipicklist", "includes", ("a",), "b", None),
    ],
)
def test_cell_is_compared_with_a_filter_if_its_form_can_be_read(kind, operator, values, cell, expected):
    """A date that could be 1 February or 2 January violates only if both would."""
    assert meets(ValueCheck("filter 1", "X", kind, operator, values), cell) is expected


@pytest.mark.parametrize("spooled", [False, True])
def test_process_saves_nothing_when_the_rows_contradict_a_filter(tmp_path, spooled):
    """The file of the earlier run stays."""
    (tmp_path / "report.csv").write_bytes(b"old")
    body = b'"Id","Name"\n"1","a"\n"2","b"\n'
    checks = (ValueCheck("filter 1", "Name", "string", "equals", ("b",)),)
    ended = run(make_payload(tmp_path, body, spooled=spooled, has_footer=False, checks=checks, note="Unproved."))

    assert ended.error is ErrorKind.INVALID
    assert (tmp_path / "report.csv").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.csv"]


def test_process_says_what_is_not_proved_and_what_agrees(tmp_path):
    """In the message of the saved report."""
    checks = (ValueCheck("filter 1", "Id", "int", "greaterThan", ("0",)),)
    ended = run(make_payload(tmp_path, b'"Id","Name"\n"1","a"\n', has_footer=False, checks=checks, note="Unproved."))

    assert ended.is_valid
    assert ended.message == "Unproved. The first and last rows agree with filter 1."
