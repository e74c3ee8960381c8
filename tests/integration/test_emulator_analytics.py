"""The emulator's Analytics API: describe, run with changes, the 2,000 cap, slices, groupings, instances."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sfr.emulator import Emulator


@pytest.fixture(scope="module")
def org() -> Iterator[Emulator]:
    """One emulator for the module."""
    with Emulator({"org": {"hourly_report_runs": 100_000}}) as emulator:
        yield emulator


def call(org: Emulator, path: str, body: object = None, method: str | None = None) -> requests.Response:
    """One call below analytics/reports."""
    return requests.request(
        method or ("GET" if body is None else "POST"),
        f"{org.url}/services/data/v64.0/analytics/reports/{path}",
        headers={"Authorization": f"Bearer {org.sid}"},
        json=body,
        timeout=60,
    )


def run(org: Emulator, name: str, **changes: object) -> dict[str, Any]:
    """A run with details."""
    answer = call(org, f"{org.report(name).id}?includeDetails=true", {"reportMetadata": changes})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def labels(entry: dict[str, Any]) -> list[list[str]]:
    """The labels of an entry's rows, `-` as the empty cell that it is."""
    return [["" if cell["value"] is None else cell["label"] for cell in row["dataCells"]] for row in entry["rows"]]


def exported(org: Emulator, name: str) -> list[list[str]]:
    """The records of the classic export, header apart."""
    text = b"".join(org.expected_csv(name)).decode()
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def test_describe_names_every_column_and_operator(org: Emulator) -> None:
    """The three kinds of metadata, and operators for each data type."""
    described = call(org, f"{org.report('Leads of the Year').id}/describe").json()
    assert described["reportMetadata"]["reportFormat"] == "TABULAR"
    assert "LEAD_ID" not in described["reportMetadata"]["detailColumns"]
    assert "LEAD_ID" in described["reportTypeMetadata"]["categories"][0]["columns"]
    operators = described["reportTypeMetadata"]["dataTypeFilterOperatorMap"]
    assert {"name": "greaterThan", "label": "greater than"} in operators["string"]
    assert described["reportExtendedMetadata"]["detailColumnInfo"]["COMPANY"]["label"] == "Company / Account"


def test_run_stops_at_2000_rows_and_says_so(org: Emulator) -> None:
    """`allData` is false when there are more; the count of all rows is in the aggregates."""
    result = run(org, "Open Pipeline")
    assert result["allData"] is False
    assert len(result["factMap"]["T!T"]["rows"]) == 2_000
    assert result["factMap"]["T!T"]["aggregates"][-1] == {"label": "5,600", "value": 5_600}


def test_text_columns_are_the_same_as_in_the_export(org: Emulator) -> None:
    """Labels of text, picklist and reference columns are the export's cells."""
    rows = labels(run(org, "Accounts by City")["factMap"]["T!T"])
    for row, record in zip(rows, exported(org, "Accounts by City"), strict=True):
        assert [row[index] for index in (0, 1, 2, 3, 4, 8, 9)] == [record[index] for index in (0, 1, 2, 3, 4, 8, 9)]
    assert labels(run(org, "Awkward Cells")["factMap"]["T!T"]) == exported(org, "Awkward Cells")


@pytest.mark.parametrize(
    ("name", "column"),
    [("Open Pipeline", "OPPORTUNITY_ID"), ("Leads of the Year", "LEAD_ID"), ("Open Pipeline", "OPPORTUNITY_NAME")],
)
def test_slices_by_a_unique_column_give_every_row_once(org: Emulator, name: str, column: str) -> None:
    """Sorted by a unique column, run again for greater values until `allData`."""
    saved = call(org, f"{org.report(name).id}/describe").json()["reportMetadata"]["detailColumns"]
    details = saved if column in saved else [*saved, column]
    at = details.index(column)
    rows: list[list[str]] = []
    while True:
        filters = [{"column": column, "operator": "greaterThan", "value": rows[-1][at]}] if rows else []
        sort = [{"sortColumn": column, "sortOrder": "Asc"}]
        result = run(org, name, detailColumns=details, sortBy=sort, reportFilters=filters)
        rows += labels(result["factMap"]["T!T"])
        if result["allData"]:
            break
    assert len(rows) == len({row[at] for row in rows}) == org.report(name).rows


def test_the_largest_report_can_be_sliced_quickly(org: Emulator) -> None:
    """Slices of 260,000 rows are found without looking at all of them."""
    sort = [{"sortColumn": "CASE_NUMBER", "sortOrder": "Asc"}]
    wanted = [{"column": "CASE_NUMBER", "operator": "greaterThan", "value": "000250000"}]
    result = run(org, "All Cases", sortBy=sort, reportFilters=wanted)
    first = result["factMap"]["T!T"]["rows"][0]["dataCells"][0]
    assert first["label"] == "000250001"
    assert result["factMap"]["T!T"]["aggregates"][0]["value"] == 9_999


def test_filters_and_logic_choose_rows(org: Emulator) -> None:
    """Text without case, several values, numbers, dates, logic."""
    filters = [
        {"column": "STAGE_NAME", "operator": "equals", "value": "closed won,PROSPECTING"},
        {"column": "AMOUNT", "operator": "greaterOrEqual", "value": "500000"},
        {"column": "CLOSE_DATE", "operator": "lessThan", "value": "2025-01-01"},
    ]
    entry = run(org, "Open Pipeline", reportFilters=filters, reportBooleanFilter="1 AND (2 OR 3)")["factMap"]["T!T"]
    expected = [
        row for row in exported(org, "Open Pipeline")
        if row[3] in ("Closed Won", "Prospecting") and (float(row[4]) >= 500_000 or row[6].endswith("/2024"))
    ]  # fmt: skip
    assert entry["aggregates"][-1]["value"] == len(expected) > 0


def test_standard_date_filter_limits_the_days(org: Emulator) -> None:
    """Both days are inside."""
    dates = {"column": "CLOSE_DATE", "durationValue": "CUSTOM", "startDate": "2025-03-01", "endDate": "2025-03-31"}
    rows = labels(run(org, "Open Pipeline", standardDateFilter=dates)["factMap"]["T!T"])
    assert rows
    assert all(row[6].startswith("3/") and row[6].endswith("/2025") for row in rows)


def test_summary_report_has_an_entry_per_group(org: Emulator) -> None:
    """Details are in the lowest groups; sums and counts add up to the total."""
    result = run(
        org,
        "Cases by Status and Priority",
        reportFilters=[{"column": "STATUS", "operator": "notEqual", "value": "New"}],
    )
    groups = result["groupingsDown"]["groupings"]
    assert [group["key"] for group in groups] == ["0", "1", "2", "3"]
    assert [inner["key"] for inner in groups[1]["groupings"]] == ["1_0", "1_1", "1_2"]
    facts = result["factMap"]
    assert facts["T!T"]["rows"] == facts["0!T"]["rows"] == []
    assert facts["0_0!T"]["rows"]
    assert facts["T!T"]["aggregates"][1]["value"] == sum(
        facts[f"{key}!T"]["aggregates"][1]["value"] for key in range(4)
    )


def test_matrix_report_has_an_entry_per_cell(org: Emulator) -> None:
    """Every combination of row and column groups, and their totals."""
    result = run(org, "Revenue by Region and Quarter")
    facts = result["factMap"]
    assert len(facts) == 5 * 5
    assert sum(len(facts[f"{down}!{across}"]["rows"]) for down in range(4) for across in range(4)) == 800
    assert facts["T!T"]["aggregates"][0]["label"].startswith("$")


def test_grouped_report_runs_as_tabular_with_its_groupings_as_details(org: Emulator) -> None:
    """How a program turns a grouped report into records: the same rows as the export."""
    details = ["STAGE_NAME", "OPPORTUNITY_NAME", "ACCOUNT_NAME", "AMOUNT", "CLOSE_DATE"]
    result = run(org, "Deals by Stage", reportFormat="TABULAR", groupingsDown=[], detailColumns=details)
    rows, records = labels(result["factMap"]["T!T"]), exported(org, "Deals by Stage")
    assert [row[:3] for row in rows] == [record[:3] for record in records]


def test_run_without_details_has_no_rows(org: Emulator) -> None:
    """`includeDetails` is false by default."""
    result = call(org, org.report("Deals by Stage").id).json()
    assert not any(entry["rows"] for entry in result["factMap"].values())
    assert result["hasDetailRows"] is False


@pytest.mark.parametrize(
    "changes",
    [
        {"detailColumns": ["NOTHING"]},
        {"reportFilters": [{"column": "NOTHING", "operator": "equals", "value": "1"}]},
        {"reportFilters": [{"column": "AMOUNT", "operator": "startsWith", "value": "1"}]},
        {"reportFilters": [{"column": "AMOUNT", "operator": "equals", "value": "many"}]},
        {"reportFilters": [{"column": "AMOUNT", "operator": "equals", "value": "1"}] * 21},
        {"reportFilters": [], "reportBooleanFilter": "1"},
        {"sortBy": [{"sortColumn": "NOTHING", "sortOrder": "Asc"}]},
        {"reportFormat": "SUMMARY"},
        {"reportFormat": "ROUND"},
        {"reportFilters": 3},
    ],
)
def test_run_is_refused_when_the_metadata_is_wrong(org: Emulator, changes: dict[str, object]) -> None:
    """400 BAD_REQUEST with a text."""
    answer = call(org, org.report("Open Pipeline").id, {"reportMetadata": changes})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "BAD_REQUEST")


def test_inaccessible_reports_have_their_own_errors(org: Emulator) -> None:
    """Unknown 404, no access 403, joined 400."""
    assert call(org, "00O000000000000/describe").status_code == 404
    assert call(org, f"{org.report('Salaries').id}/describe").status_code == 403
    assert call(org, org.report("Joined Overview").id).status_code == 400
    joined = call(org, f"{org.report('Joined Overview').id}/describe").json()
    assert joined["reportMetadata"]["reportFormat"] == "MULTI_BLOCK"


def test_instance_runs_until_it_succeeds(org: Emulator) -> None:
    """New, Running, Success with the same rows as a direct run; then it can be listed and deleted."""
    report_id = org.report("Accounts by City").id
    made = call(org, f"{report_id}/instances?includeDetails=true", {}).json()
    assert made["status"] == "New"
    path = f"{report_id}/instances/{made['id']}"
    assert call(org, path).json()["attributes"]["status"] == "Running"
    done = call(org, path).json()
    assert done["attributes"]["status"] == "Success"
    assert done["factMap"] == run(org, "Accounts by City")["factMap"]
    assert made["id"] in [each["id"] for each in call(org, f"{report_id}/instances").json()]
    assert call(org, path, method="DELETE").status_code == 204
    assert call(org, path).status_code == 404


def test_limits_are_enforced() -> None:
    """Used up runs end in 403; the limits resource shows what is left."""
    with Emulator({"org": {"hourly_report_runs": 1, "async_runs_fail": True}}) as org:
        report_id = org.report("Awkward Cells").id
        assert [call(org, report_id).status_code for _ in range(2)] == [200, 403]
        limits = requests.get(
            f"{org.url}/services/data/v64.0/limits", headers={"Authorization": f"Bearer {org.sid}"}, timeout=30
        )
        assert limits.json()["HourlySyncReportRuns"] == {"Max": 1, "Remaining": 0}
        assert limits.headers["Sforce-Limit-Info"] == "api-usage=3/100000"
        made = call(org, f"{report_id}/instances", {}).json()["id"]
        states = [call(org, f"{report_id}/instances/{made}").json()["attributes"]["status"] for _ in range(2)]
        assert states == ["Running", "Error"]


def test_reports_that_cannot_be_sliced_say_so(org: Emulator) -> None:
    """`topRows` and `crossFilters` are in describe."""
    org.apply({"org": {"hourly_report_runs": 100_000}, "reports": [
        {"name": "Top", "rows": 5_000, "row_limit": 3_000}, {"name": "Crossed", "rows": 10, "has_cross_filter": True},
    ]})  # fmt: skip
    top = call(org, f"{org.report('Top').id}/describe").json()["reportMetadata"]
    assert top["topRows"]["rowLimit"] == 3_000
    assert run(org, "Top")["factMap"]["T!T"]["aggregates"][0]["value"] == 3_000
    assert call(org, f"{org.report('Crossed').id}/describe").json()["reportMetadata"]["crossFilters"]
