"""Filters of a list row in the metadata that is sent, and in the metadata that has to come back."""

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.description import parse_description
from sfr.salesforce.routes.analytics.plan import counting_run, saved_run
from sfr.salesforce.routes.analytics.requested_filters import (
    filter_texts,
    is_same_value,
    point_to_filters,
    prove_filters,
    with_filters,
)
from sfr.salesforce.row_filters import NO_FILTERS, parse_row_filters

FILTERS = [
    {"column": "STAGE", "operator": "equals", "value": "Open", "isRunPageEditable": True},
    {"column": "AMOUNT", "operator": "greaterThan", "value": "0"},
]


def description(**metadata):
    """A report with two filters, a date filter and logic."""
    return parse_description(
        {
            "reportMetadata": {
                "aggregates": ["s!AMOUNT"],
                "detailColumns": ["STAGE", "AMOUNT"],
                "reportFilters": FILTERS,
                "reportBooleanFilter": "1 OR 2",
                "scope": "mine",
                "standardDateFilter": {"column": "CLOSED", "durationValue": "THIS_YEAR", "startDate": "2026-01-01"},
                **metadata,
            },
            "reportExtendedMetadata": {"detailColumnInfo": {"STAGE": {"label": "Stage", "dataType": "picklist"}}},
        }
    )


def test_metadata_gets_the_requested_values_and_keeps_everything_else():
    """Columns, operators, logic and other filters stay; the saved description is not changed."""
    saved = description()
    changed = with_filters(saved, parse_row_filters("2=100; date=2026-01-01..2026-01-31; scope=organization"))

    assert changed.metadata["reportFilters"] == [FILTERS[0], {**FILTERS[1], "value": "100"}]
    assert changed.metadata["reportBooleanFilter"] == "1 OR 2"
    assert changed.metadata["scope"] == "organization"
    assert changed.metadata["standardDateFilter"] == {
        "column": "CLOSED",
        "durationValue": "CUSTOM",
        "startDate": "2026-01-01",
        "endDate": "2026-01-31",
    }
    assert saved.metadata["reportFilters"] == FILTERS
    assert with_filters(saved, NO_FILTERS) is saved


def test_filters_take_part_in_runs_as_saved_and_in_counts():
    """Grouped reports that cannot be run as a table, and workbooks."""
    changed = with_filters(description(), parse_row_filters("1=Won"))

    assert saved_run(description()).metadata is None
    assert saved_run(changed).metadata == changed.metadata
    assert counting_run(changed).metadata["reportFilters"][0]["value"] == "Won"
    assert counting_run(changed).metadata["aggregates"] == ["s!AMOUNT", "RowCount"]
    assert counting_run(description(aggregates=["RowCount"])).metadata is None


@pytest.mark.parametrize(
    ("metadata", "text", "expected"),
    [
        ({}, "7=x", ["has 2 filters", "filter 7", "1: Stage (STAGE) equals 'Open'", "2: AMOUNT greaterThan '0'"]),
        ({"reportFilters": []}, "1=x", ["has no filters", "date: CLOSED:2026-01-01"]),
        ({"standardDateFilter": None}, "date=2026-01-01..2026-01-02", ["no standard date filter"]),
    ],
)
def test_filter_that_the_report_lacks_is_refused_with_those_it_has(metadata, text, expected):
    """`invalid`, before any run."""
    with pytest.raises(ReportError) as caught:
        with_filters(description(**metadata), parse_row_filters(text))

    assert caught.value.kind is ErrorKind.INVALID
    assert not caught.value.is_retryable
    for part in expected:
        assert part in caught.value.message


def prove(text, **answer):
    """Prove filters by an answer that differs from what was sent in these parts."""
    filters = parse_row_filters(text)
    sent = with_filters(description(), filters).metadata
    prove_filters(filters, sent, {**sent, **answer})


def test_answer_with_the_filters_as_sent_proves_them():
    """The order of keys and additional ones do not matter, nor a time behind a date."""
    prove(
        "1=Won; date=D:2026-01-01..2026-01-31; scope=organization",
        reportFilters=[
            {"value": "Won", "operator": "equals", "column": "STAGE", "filterType": "fieldValue"},
            FILTERS[1],
        ],
        standardDateFilter={
            "column": "D",
            "durationValue": "CUSTOM",
            "startDate": "2026-01-01T00:00:00Z",
            "endDate": "2026-01-31",
        },
    )


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1=Won", {"reportFilters": FILTERS}),
        ("1=Won", {"reportFilters": []}),
        ("1=Won", {"reportFilters": None}),
        ("1=Won", {"reportFilters": [{**FILTERS[0], "operator": "notEqual", "value": "Won"}]}),
        ("1=Won", {"reportFilters": [{**FILTERS[0], "column": "OTHER", "value": "Won"}]}),
        ("2=5", {"reportFilters": [FILTERS[0], {**FILTERS[1], "value": "50"}]}),
        ("scope=organization", {"scope": "mine"}),
        ("scope=organization", {"scope": None}),
        ("date=2026-01-01..2026-01-31", {"standardDateFilter": None}),
        ("date=2026-01-01..2026-01-31", {"standardDateFilter": description().metadata["standardDateFilter"]}),
        (
            "date=2026-01-01..2026-01-31",
            {
                "standardDateFilter": {
                    "column": "CLOSED",
                    "durationValue": "THIS_MONTH",
                    "startDate": "2026-01-01",
                    "endDate": "2026-01-31",
                }
            },
        ),
        (
            "date=D:2026-01-01..2026-01-31",
            {
                "standardDateFilter": {
                    "column": "CLOSED",
                    "durationValue": "CUSTOM",
                    "startDate": "2026-01-01",
                    "endDate": "2026-01-31",
                }
            },
        ),
    ],
)
def test_answer_without_a_requested_filter_is_invalid(text, answer):
    """Whatever Salesforce made of it: rows of other filters are not saved under this name."""
    with pytest.raises(ReportError, match="did not apply the requested") as caught:
        prove(text, **answer)

    assert caught.value.kind is ErrorKind.INVALID


@pytest.mark.parametrize(
    ("asked", "answered", "is_same"),
    [
        ("Closed Won,New", "closed won, New", True),
        ('"a,b",c', 'c,"a,b"', False),
        ('"a,b"', "a,b", False),
        ("1000", "1000.00", True),
        ("2026-01-01", "2026-01-01T00:00:00Z", True),
        ("2026-01-01", "2026-01-01T00:00:00.000Z", True),
        ("2026-01-01", "2026-01-02", False),
        ('5" disk', '5" DISK', True),
        ('"open', '"OPEN', True),
        ('"open', '"shut', False),
        ("", "", True),
        ("", "x", False),
        ("NaN", "nan", True),
    ],
)
def test_values_are_compared_by_what_they_mean(asked, answered, is_same):
    """Salesforce may write numbers, dates and lists in another form, but not other values."""
    assert is_same_value(asked, answered) is is_same


@pytest.mark.parametrize(
    ("kind", "http_status", "filters", "points"),
    [
        (ErrorKind.INVALID, 400, "2=5", True),
        (ErrorKind.INVALID, 400, "", False),
        (ErrorKind.INVALID, None, "2=5", False),
        (ErrorKind.SERVER, 500, "2=5", False),
    ],
)
def test_remedy_points_to_filters_where_salesforce_refused_a_request_with_some(kind, http_status, filters, points):
    """Not for what SFR itself found, nor for another failure."""
    error = ReportError(kind, "Refused.", remedy="Read the message.", http_status=http_status)

    point_to_filters(error, parse_row_filters(filters))

    assert ("`filters`" in error.remedy) is points


def test_filter_texts_name_everything_that_can_be_set():
    """For `--list-reports --filters`, and for a number that is wrong."""
    assert filter_texts(description()) == [
        "1: Stage (STAGE) equals 'Open'",
        "2: AMOUNT greaterThan '0'",
        "logic: 1 OR 2",
        "date: CLOSED:2026-01-01..",
        "scope: mine",
    ]
