"""Filters as export parameters, and what they let the worker check."""

from sfr.model import ValueCheck
from sfr.salesforce.routes.analytics.description import parse_description
from sfr.salesforce.routes.filtered_export import filter_params, value_checks
from sfr.salesforce.row_filters import parse_row_filters


def test_filters_become_the_parameters_of_the_classic_page():
    """Counted from 0, dates as an English (United States) user writes them, values encoded."""
    text = "1=Closed Won & more; 3=2026-03-09; date=CREATED_DATE:2026-01-01..2026-12-31; scope=organization"

    assert filter_params(parse_row_filters(text)) == (
        "&pv0=Closed%20Won%20%26%20more&pv2=3/9/2026"
        "&colDt_c=CREATED_DATE&colDt_q=custom&colDt_s=1/1/2026&colDt_e=12/31/2026&scope=organization"
    )


def test_date_range_keeps_the_reports_own_column_when_none_is_named():
    """No `colDt_c`."""
    assert filter_params(parse_row_filters("date=2026-01-01..2026-01-02")) == (
        "&colDt_q=custom&colDt_s=1/1/2026&colDt_e=1/2/2026"
    )


def described(**metadata):
    """A report that shows its stage and its date, and filters by three columns."""
    columns = {"STAGE": ("Stage", "picklist"), "CLOSED": ("Close Date", "date")}
    return parse_description(
        {
            "reportMetadata": {
                "detailColumns": list(columns),
                "reportFilters": [
                    {"column": "STAGE", "operator": "equals", "value": 'Won,"Lost, really"'},
                    {"column": "HIDDEN", "operator": "equals", "value": "x"},
                ],
                "standardDateFilter": {"column": "CLOSED"},
                **metadata,
            },
            "reportExtendedMetadata": {
                "detailColumnInfo": {
                    name: {"label": label, "dataType": kind} for name, (label, kind) in columns.items()
                }
            },
        }
    )


def test_rows_can_be_checked_by_the_filters_whose_columns_they_have():
    """Not by that on a column that the report does not show."""
    filters = parse_row_filters('1=Won, "Lost, really"; 2=x; date=2026-01-01..2026-01-31')

    assert value_checks(described(), filters) == (
        ValueCheck("filter 1", "Stage", "picklist", "equals", ("Won", "Lost, really")),
        ValueCheck("the date range", "Close Date", "date", "between", ("2026-01-01", "2026-01-31")),
    )


def test_each_value_is_checked_by_the_operator_of_its_own_filter():
    """Filters are counted from 1, whatever order a row names them in."""
    own = [
        {"column": "STAGE", "operator": "equals", "value": "a"},
        {"column": "STAGE", "operator": "contains", "value": "b"},
        {"column": "CLOSED", "operator": "greaterThan", "value": "c"},
    ]

    checks = value_checks(described(reportFilters=own), parse_row_filters("3=2026-01-01; 2=y; 1=x"))

    assert [(check.label, check.operator, check.values) for check in checks] == [
        ("Stage", "equals", ("x",)),
        ("Stage", "contains", ("y",)),
        ("Close Date", "greaterThan", ("2026-01-01",)),
    ]


def test_empty_value_is_a_value():
    """A filter on blank cells is met by blank cells."""
    (check,) = value_checks(described(), parse_row_filters("1="))

    assert check.values == ("",)


def test_rows_are_not_checked_by_filters_with_logic():
    """With `1 OR 2`, a row may meet the other one."""
    assert value_checks(described(reportBooleanFilter="1 OR 2"), parse_row_filters("1=Won")) == ()
