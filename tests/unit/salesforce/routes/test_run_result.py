"""Answers of report runs, grouped and flat."""

import json

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.flattening import flat_rows
from sfr.salesforce.routes.analytics.run_result import Row, Shape, parse_run_result


def cell(label, value=None):
    """A data cell as Salesforce writes it."""
    return {"label": label, "value": label if value is None else value}


def fact(*rows):
    """An entry of the fact map."""
    return {"aggregates": [cell("5", 5)], "rows": [{"dataCells": list(row)} for row in rows]}


def grouping(key, label, *below):
    """A grouping with those below it."""
    return {"groupings": list(below), "key": key, "label": label, "value": label}


SHAPE = Shape(("string",), 1)


def parse(shape=SHAPE, **document):
    """A parsed result."""
    return parse_run_result(json.dumps({"allData": True, "factMap": {}, **document}).encode(), shape)


def test_flat_rows_are_those_of_the_only_entry_when_nothing_is_grouped():
    """`T!T` holds a table."""
    result = parse(factMap={"T!T": fact([cell("a")], [cell("b")])})

    assert flat_rows(result, ()) == [Row(("a",)), Row(("b",))]


def test_flat_rows_begin_with_their_groupings_in_the_reports_order():
    """Down first, then across; the numbers in the keys are no order of the map."""
    result = parse(
        factMap={
            "1!T": fact(),
            "0_1!0": fact([cell("x")]),
            "T!T": fact(),
            "0_0!1": fact([cell("y")], [cell("z")]),
            "1_0!0": fact([cell("w")]),
        },
        groupingsDown={
            "groupings": [
                grouping("0", "North", grouping("0_0", "Ann"), grouping("0_1", "Bob")),
                grouping("1", "-", grouping("1_0", "Cid")),
            ]
        },
        groupingsAcross={"groupings": [grouping("0", "2025"), grouping("1", "2026")]},
    )

    assert flat_rows(result, ("string", "string", "string")) == [
        Row(("North", "Ann", "2026", "y")),
        Row(("North", "Ann", "2026", "z")),
        Row(("North", "Bob", "2025", "x")),
        Row(("-", "Cid", "2025", "w")),
    ]


def test_flat_rows_fail_when_rows_lie_under_no_grouping():
    """A row that cannot be placed is not dropped."""
    result = parse(factMap={"7!T": fact([cell("a")])}, groupingsDown={"groupings": [grouping("0", "North")]})

    with pytest.raises(ReportError) as caught:
        flat_rows(result, ("string",))

    assert caught.value.kind is ErrorKind.TRUNCATED


def test_answer_keeps_keys_and_drops_columns_that_were_added():
    """An id's key is its value; a text's is its label, for the value of a name is the record's id."""
    shape = Shape(("string", "id", "id"), 1, (1, 0, 2))
    blank = {"label": "-", "value": None}
    result = parse(shape, factMap={"T!T": fact([cell("Acme", "001A"), cell("500x", "500X"), blank])})

    assert result.facts["T!T"] == [Row(("Acme",), ("500X", "Acme", None))]


def test_answer_refuses_a_row_of_another_width():
    """Cells that belong to no column would be written under the wrong label."""
    with pytest.raises(ReportError, match="2 cells, but 1"):
        parse(factMap={"T!T": fact([cell("a"), cell("b")])})


@pytest.mark.parametrize("body", [b"", b'{"allData": tr', b'{"factMap": {"T!T": {"rows": [', b"\xff"])
def test_answer_that_ends_early_is_truncated(body):
    """What is no JSON was cut."""
    with pytest.raises(ReportError) as caught:
        parse_run_result(body, SHAPE)

    assert caught.value.kind is ErrorKind.TRUNCATED
    assert caught.value.is_retryable


def test_answer_is_not_complete_unless_it_says_so():
    """A missing `allData` proves nothing."""
    assert not parse_run_result(b"{}", SHAPE).is_complete
    assert not parse(allData="true").is_complete


def test_answer_has_the_row_count_by_the_name_of_its_aggregate():
    """Aggregates are in the order of the metadata."""
    found = {"aggregates": [cell("$5", 5), cell("7,000", 7000)], "rows": []}

    assert parse(factMap={"T!T": found}, reportMetadata={"aggregates": ["s!X", "RowCount"]}).row_count == 7000
    assert parse(factMap={"T!T": found}, reportMetadata={"aggregates": ["s!X"]}).row_count is None


def test_lines_of_a_label_without_a_value_become_lines():
    """`1 High St<br>Springfield` is an address of two lines, as in the export."""
    cells = [{"label": "1 High St<br>Springfield"}, {"label": "a<br>b", "value": None}]
    body = json.dumps({"allData": True, "factMap": {"T!T": {"rows": [{"dataCells": cells}]}}}).encode()

    result = parse_run_result(body, Shape(("string", "textarea"), 2))

    assert result.facts["T!T"][0].texts == ("1 High St\nSpringfield", "a\nb")
