"""What is requested from the Analytics API, and what is not."""

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.description import parse_description
from sfr.salesforce.routes.analytics.keys import key_columns
from sfr.salesforce.routes.analytics.plan import Cut, flat_run, refuse_joined, sliced_run
from sfr.salesforce.routes.analytics.run_result import Row

ORDER = [{"name": name} for name in ("equals", "notEqual", "greaterThan")]
FILTERS = [
    {"column": "TYPE", "operator": "equals", "value": "New,Old"},
    {"column": "NAME", "operator": "contains", "value": "x"},
]


def describe(*, type_columns=None, operators=None, **metadata):
    """A description with columns NAME and AMOUNT, and an id in its type."""
    offered = {"ID": {"dataType": "id", "label": "Record ID"}} if type_columns is None else type_columns
    return parse_description(
        {
            "reportMetadata": {
                "detailColumns": ["NAME", "AMOUNT"],
                "reportFilters": FILTERS,
                "reportBooleanFilter": None,
                "reportFormat": "TABULAR",
                "reportType": {"label": "Things", "type": "Thing"},
                "scope": "mine",
                "sortBy": [{"sortColumn": "NAME", "sortOrder": "Desc"}],
                "standardDateFilter": {"column": "CLOSED", "durationValue": "THIS_YEAR"},
                "standardFilters": [{"name": "open", "value": "all"}],
                **metadata,
            },
            "reportExtendedMetadata": {
                "detailColumnInfo": {
                    "NAME": {"dataType": "string", "label": "Name"},
                    "AMOUNT": {"dataType": "currency", "label": "Amount"},
                },
                "groupingColumnInfo": {"STAGE": {"dataType": "picklist", "label": "Stage"}},
            },
            "reportTypeMetadata": {
                "categories": [{"columns": offered}],
                "dataTypeFilterOperatorMap": {"id": ORDER, "string": ORDER} if operators is None else operators,
            },
        }
    )


def slice_of(description, cut):
    """The metadata of a slice."""
    return sliced_run(flat_run(description), key_columns(description, []), cut)


def test_flat_run_keeps_everything_of_a_tabular_report():
    """Filters, logic, scope, dates and the order of rows go back as they came."""
    description = describe()

    assert flat_run(description).metadata == {**description.metadata, "hasDetailRows": True}


def test_flat_run_makes_groupings_the_first_columns_when_the_report_is_grouped():
    """A summary report becomes a table; what only groupings have is left out, filters stay."""
    run = flat_run(
        describe(
            reportFormat="MATRIX",
            groupingsDown=[{"name": "STAGE"}],
            groupingsAcross=[{"name": "YEAR"}],
            aggregates=["s!AMOUNT", "RowCount", "FORMULA1"],
            chart={"chartType": "Donut"},
            customSummaryFormula={"FORMULA1": {}},
            sortBy=[{"sortColumn": "s!AMOUNT", "sortOrder": "Asc"}],
        )
    )

    assert run.columns == ("STAGE", "YEAR", "NAME", "AMOUNT")
    assert run.metadata["reportFormat"] == "TABULAR"
    assert run.metadata["aggregates"] == ["RowCount"]
    assert run.metadata["groupingsDown"] == run.metadata["groupingsAcross"] == run.metadata["sortBy"] == []
    assert run.metadata["chart"] is None
    assert run.metadata["reportFilters"] == FILTERS


def test_slice_adds_the_id_column_behind_and_one_filter():
    """The id is requested, sorted by and filtered by, and not written."""
    run = slice_of(describe(), Cut(after="a00000000000001AAA"))

    assert run.columns == ("NAME", "AMOUNT", "ID")
    assert run.shape.written == 2
    assert run.shape.key_positions == (2,)
    assert run.metadata["sortBy"] == [{"sortColumn": "ID", "sortOrder": "Asc"}]
    assert run.metadata["reportFilters"] == [
        *FILTERS,
        {"column": "ID", "operator": "greaterThan", "value": "a00000000000001AAA"},
    ]
    assert run.metadata["reportBooleanFilter"] is None
    assert run.metadata["scope"] == "mine"
    assert run.metadata["standardDateFilter"]["durationValue"] == "THIS_YEAR"


def test_slice_up_to_a_key_is_requested_from_its_end():
    """Both limits are filters, and the greatest key comes first."""
    run = slice_of(describe(reportBooleanFilter="1 OR 2"), Cut(after="a01", up_to="a09"))

    assert run.metadata["sortBy"] == [{"sortColumn": "ID", "sortOrder": "Desc"}]
    assert [one["operator"] for one in run.metadata["reportFilters"][2:]] == ["greaterThan", "lessOrEqual"]
    assert run.metadata["reportBooleanFilter"] == "((1 OR 2) AND 3) AND 4"


def test_slice_keeps_the_filter_logic():
    """`(old) AND n`: the old logic stays whole."""
    run = slice_of(describe(reportBooleanFilter="1 OR 2"), Cut(after="a00000000000001AAA"))

    assert run.metadata["reportBooleanFilter"] == "(1 OR 2) AND 3"


def test_slice_uses_the_reports_own_id_column():
    """A column that the report shows already is not added again."""
    description = describe(detailColumns=["ID", "NAME"])

    assert slice_of(description, Cut()).columns == ("ID", "NAME")


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"topRows": {"rowLimit": 5000, "direction": "Desc"}}, "row limit"),
        ({"crossFilters": [{"relatedEntity": "Note"}]}, "cross filters"),
        ({"reportFilters": FILTERS * 10}, "20 filters"),
        ({"type_columns": {"OTHER": {"dataType": "string", "label": "Other"}}}, "no record id column"),
        ({"operators": {"id": [{"name": "equals"}]}}, "greaterThan"),
        ({"type_columns": {"ID": {"dataType": "id", "label": "Id", "filterable": False}}}, "greaterThan"),
    ],
)
def test_key_columns_are_refused_with_a_reason_when_the_report_cannot_be_sliced(changes, what):
    """Each says what is in the way, and what to do."""
    with pytest.raises(ReportError, match=what) as caught:
        key_columns(describe(**changes), [])

    assert caught.value.kind is ErrorKind.INVALID
    assert not caught.value.is_retryable
    assert "route: classic" in caught.value.remedy


def test_key_column_is_one_of_record_numbers_when_ids_cannot_be_compared():
    """`INV-0001`, `INV-0002`: every order agrees on those."""
    description = describe(operators={"id": [{"name": "equals"}], "string": ORDER})
    rows = [Row((f"INV-{number:04d}", "1")) for number in range(5)]

    assert [column.name for column in key_columns(description, rows)] == ["NAME"]
    with pytest.raises(ReportError):
        key_columns(description, [*rows, Row(("Acme", "1"))])


@pytest.mark.parametrize("name", ["MULTI_BLOCK", "MultiBlock"])
def test_joined_report_is_refused(name):
    """It has no flat form."""
    with pytest.raises(ReportError, match="joined report") as caught:
        refuse_joined(describe(reportFormat=name))

    assert caught.value.kind is ErrorKind.INVALID


def test_description_without_metadata_is_refused():
    """An answer of another kind is not taken for a report."""
    with pytest.raises(ReportError, match="reportMetadata"):
        parse_description([{"errorCode": "X"}])
