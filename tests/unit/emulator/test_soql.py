"""SOQL: what the parser reads, what a query selects, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sfr.emulator.org import Org
from sfr.emulator.records.soql_parser import Comparison, Logic, OrderKey, parse
from sfr.emulator.records.soql_run import select
from sfr.emulator.records.soql_tokens import SoqlError
from sfr.emulator.scenarios.scenario import Scenario


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Org:
    """An org's state, without a server."""
    return Org(Scenario(), Path(tmp_path_factory.mktemp("org")))


def values(org: Org, text: str) -> list[object]:
    """The first field of every row."""
    selection = select(org.database, text)
    return [selection.fields[0].value(row) for row in selection.rows]


def test_parse_reads_every_clause() -> None:
    """All clauses at once, with an alias and words in any case."""
    query = parse(
        "select Id, a.Name FROM Account a WHERE (Name = 'O\\'Hara' OR Size__c >= 1.5) AND NOT Kind IN ('x', 'y') "
        "ORDER BY Name DESC NULLS LAST, Id LIMIT 10 OFFSET 5"
    )
    assert query.fields == ("Id", "a.Name")
    assert query.table == "Account"
    assert query.where == Logic(
        "and",
        (
            Logic("or", (Comparison("Name", "=", ("O'Hara",)), Comparison("Size__c", ">=", (1.5,)))),
            Logic("not", (Comparison("Kind", "in", ("x", "y")),)),
        ),
    )
    assert query.order == (OrderKey("Name", descending=True, nulls_last=True), OrderKey("Id"))
    assert (query.limit, query.offset) == (10, 5)


@pytest.mark.parametrize(
    "text",
    ["", "SELECT", "SELECT Id", "SELECT Id FROM", "SELECT Id FROM Account WHERE", "SELECT Id FROM Account LIMIT x",
     "SELECT Id FROM Account WHERE Name = ", "SELECT Id FROM Account GROUP BY Name",
     "SELECT Id FROM Account WHERE (Name = 'x'",
     "SELECT Id, FROM Account", "SELECT Id FROM Account WHERE Name = 'open", "UPDATE Account"],
)  # fmt: skip
def test_parse_refuses_what_is_no_query(text: str) -> None:
    """The errorCode is MALFORMED_QUERY."""
    with pytest.raises(SoqlError) as refused:
        parse(text)
    assert refused.value.code == "MALFORMED_QUERY"


def test_select_filters_orders_and_cuts(org: Org) -> None:
    """WHERE, ORDER BY, LIMIT and OFFSET do what they say."""
    text = "SELECT NumberOfEmployees FROM Account WHERE NumberOfEmployees > 39000 ORDER BY NumberOfEmployees"
    sizes = values(org, text)
    assert sizes == sorted(sizes)
    assert min(sizes) > 39_000
    assert values(org, f"{text} LIMIT 3 OFFSET 2") == sizes[2:5]


def test_select_compares_text_without_case_and_ids_in_both_forms(org: Org) -> None:
    """As Salesforce does."""
    first = values(org, "SELECT Id FROM Account LIMIT 1")[0]
    assert isinstance(first, str)
    assert values(org, f"SELECT Id FROM Account WHERE Id = '{first[:15]}'") == [first]
    upper = values(org, "SELECT Id FROM Report WHERE Name = 'ALL CASES'")
    assert upper == values(org, "SELECT Id FROM Report WHERE Name LIKE 'all c%'")
    assert len(upper) == 1


def test_select_knows_empty_values(org: Org) -> None:
    """`= null` and `!= null` split a table."""
    empty = values(org, "SELECT Id FROM Lead WHERE LeadSource = null")
    filled = values(org, "SELECT Id FROM Lead WHERE LeadSource != null")
    assert empty
    assert len(empty) + len(filled) == 4_500


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Nothing = 1", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE Name > 3", "INVALID_FIELD"),
    ],
)
def test_select_refuses_what_does_not_exist(org: Org, text: str, code: str) -> None:
    """Unknown objects and fields have errorCodes of their own."""
    with pytest.raises(SoqlError) as refused:
        select(org.database, text)
    assert refused.value.code == code


def test_records_are_the_same_in_queries_and_exports(org: Org) -> None:
    """Row n of an object is the same record by both routes."""
    report = org.catalogue.named("Accounts by City")
    names = values(org, f"SELECT Name FROM Account LIMIT {report.rows}")
    column = report.table.column("ACCOUNT.NAME")
    assert names == [column.cell(row).text for row in range(report.rows)]
