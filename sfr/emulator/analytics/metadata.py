"""Builds the metadata of reports: `reportMetadata`, `reportTypeMetadata`, `reportExtendedMetadata`."""

from __future__ import annotations

from typing import Any

from sfr.emulator.analytics.filters import operator_map
from sfr.emulator.catalogue.columns import Column
from sfr.emulator.catalogue.ids import developer_name, named_id
from sfr.emulator.catalogue.reports import Report

API_FORMATS = {"Tabular": "TABULAR", "Summary": "SUMMARY", "Matrix": "MATRIX", "MultiBlock": "MULTI_BLOCK"}
ROW_COUNT = "RowCount"
SCOPES = {"mine": "My records", "organization": "All records"}


def attributes(report: Report, root: str) -> dict[str, str]:
    """The `attributes` in every response about a report."""
    url = f"{root}/analytics/reports/{report.id}"
    return {
        "describeUrl": f"{url}/describe",
        "instancesUrl": f"{url}/instances",
        "reportId": report.id,
        "reportName": report.name,
        "type": "Report",
    }


def report_metadata(report: Report) -> dict[str, Any]:
    """The saved definition."""
    dates = [column.name for column in report.table.columns if column.data_type in ("date", "datetime")]
    days = {"endDate": report.end_date, "startDate": report.start_date}
    date_filter = {"column": dates[0], "durationValue": "CUSTOM", **days} if dates else None
    metadata: dict[str, Any] = {
        "aggregates": [*(f"s!{name}" for name in report.summed), *([ROW_COUNT] if report.has_record_count else [])],
        "chart": None,
        "crossFilters": _cross_filters(report),
        "currency": None,
        "dashboardSetting": None,
        "description": report.description or None,
        "detailColumns": list(report.columns),
        "developerName": developer_name(report.name),
        "division": None,
        "folderId": named_id("00l", report.folder),
        "groupingsAcross": [_grouping(name) for name in report.groupings_across],
        "groupingsDown": [_grouping(name) for name in report.groupings_down],
        "hasDetailRows": True,
        "hasRecordCount": report.has_record_count,
        "historicalSnapshotDates": [],
        "id": report.id,
        "name": report.name,
        "presentationOptions": {"hasStackedSummaries": True},
        "reportBooleanFilter": report.filter_logic,
        "reportFilters": [dict(one) for one in report.filters],
        "reportFormat": API_FORMATS[report.format],
        "reportType": {"label": report.table.label, "type": report.table.name},
        "scope": "organization",
        "showGrandTotal": True,
        "showSubtotals": True,
        "sortBy": [],
        "standardDateFilter": date_filter,
        "standardFilters": [],
        "supportsRoleHierarchy": False,
        "userOrHierarchyFilterId": None,
    }
    if report.row_limit is not None:
        metadata["topRows"] = {"rowLimit": report.row_limit, "direction": "Asc"}
    return metadata


def type_metadata(report: Report, *, ordered_ids: bool) -> dict[str, Any]:
    """The report type: all available columns, and the operators of each data type."""
    columns = {column.name: _type_column(column) for column in report.table.columns}
    durations = [{"label": "Custom", "standardDateFilterDurations": [_duration("Custom", "CUSTOM")]}]
    return {
        "categories": [{"columns": columns, "label": report.table.label}],
        "dataTypeFilterOperatorMap": operator_map(ordered_ids=ordered_ids),
        "divisionInfo": [],
        "scopeInfo": {
            "defaultValue": "organization",
            "values": [{"allowsDivision": False, "label": label, "value": value} for value, label in SCOPES.items()],
        },
        "standardDateFilterDurationGroups": durations,
        "standardFilterInfos": {},
        "reportType": {"label": report.table.label, "type": report.table.name},
    }


def extended_metadata(report: Report, metadata: dict[str, Any]) -> dict[str, Any]:
    """Labels and data types of the columns of a run."""
    groupings = {
        entry["name"]: {**_column_facts(report.table.column(entry["name"])), "groupingLevel": level}
        for key in ("groupingsDown", "groupingsAcross")
        for level, entry in enumerate(metadata[key])
    }
    return {
        "aggregateColumnInfo": {name: aggregate_facts(report, name) for name in metadata["aggregates"]},
        "detailColumnInfo": {name: _column_facts(report.table.column(name)) for name in metadata["detailColumns"]},
        "groupingColumnInfo": groupings,
    }


def aggregate_facts(report: Report, name: str) -> dict[str, Any]:
    """Label and type of an aggregate: `RowCount`, or `s!COLUMN`."""
    facts: dict[str, Any] = {"acrossGroupingContext": None, "dataType": "int", "downGroupingContext": None}
    if name == ROW_COUNT:
        return {**facts, "label": "Record Count"}
    column = report.table.column(name.removeprefix("s!"))
    return {**facts, "dataType": column.data_type, "label": f"Sum of {column.label}"}


def _column_facts(column: Column) -> dict[str, Any]:
    return {
        "dataType": column.data_type,
        "entityColumnName": column.field,
        "filterValues": [],
        "filterable": True,
        "inactiveFilterValues": [],
        "isLookup": column.name_field is not None,
        "label": column.label,
        "uniqueCountable": column.data_type != "boolean",
    }


def _type_column(column: Column) -> dict[str, Any]:
    extra = {"allowedInCustomDetailFormula": False, "bucketable": False, "fieldToFieldFilterable": True}
    return {**_column_facts(column), **extra, "isCustom": column.field.endswith("__c")}


def _grouping(name: str) -> dict[str, Any]:
    return {"dateGranularity": "None", "name": name, "sortAggregate": None, "sortOrder": "Asc"}


def _duration(label: str, value: str) -> dict[str, Any]:
    return {"endDate": None, "label": label, "startDate": None, "value": value}


def _cross_filters(report: Report) -> list[dict[str, Any]]:
    if not report.has_cross_filter:
        return []
    prefix = "cross_filter_1"
    return [
        {"criteria": [], "includesObject": True, "primaryEntityField": "Id", "relatedEntity": "Note", "prefix": prefix}
    ]
