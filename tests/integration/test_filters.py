"""One report with other filters: by the API, which proves them, and by the export, which does not."""

import csv
import io
from dataclasses import replace

import pytest

from sfr.emulator import Emulator
from sfr.errors import ErrorKind, ReportError
from sfr.model import Status
from sfr.processing.report_file import OutputRules, process
from sfr.salesforce.routes import ROUTES, first_route
from tests.connector_exchange import exchange_with, report

FILTERED = {
    "name": "Cases to filter",
    "rows": 3_000,
    "filters": [
        {"column": "STATUS", "operator": "equals", "value": "New,Working,Closed"},
        {"column": "AGE", "operator": "greaterThan", "value": "100"},
        {"column": "SUBJECT", "operator": "contains", "value": ""},
    ],
}
LOGIC = {**FILTERED, "name": "Logic", "filter_logic": "1 OR 2 OR 3"}


def fetch(org, name, directory, filters, *, route="auto", **more):
    """How a report of a row with these filters ends, and its file's rows."""
    row = report(org.report(name).id, filters=filters, route=route, **more)
    row = replace(row, name="out", directory=str(directory))
    with exchange_with(org.url, directory, token=org.new_sid("browser"), route=first_route(row)) as exchange:
        payload = ROUTES[first_route(row)](replace(exchange, report=row))
        ended = process(
            payload,
            OutputRules(),
            temporary_prefix=".sfr-t-",
            on_progress=lambda: None,
            on_proof=lambda _proof: None,
        )
    path = directory / f"out.{row.format}"
    return ended, list(csv.DictReader(io.StringIO(path.read_text(), newline=""))) if path.exists() else None


def refused(org, name, directory, filters, **more):
    """The route's error."""
    with pytest.raises(ReportError) as caught:
        fetch(org, name, directory, filters, **more)
    return caught.value


@pytest.mark.parametrize("route", ["auto", "analytics", "classic"])
@pytest.mark.parametrize("limit", [300, 2_000], ids=["sliced", "at once"])
def test_filter_values_select_the_rows_by_every_route(tmp_path, route, limit):
    """The other filters stay, and so do they in every slice; both routes return the same bytes."""
    with Emulator({"reports": [FILTERED], "org": {"detail_row_limit": limit}}) as org:
        ended, rows = fetch(org, "Cases to filter", tmp_path, "1=Closed; 3=printer", route=route)
        direct = (tmp_path / "out.csv").read_bytes()
        fetch(org, "Cases to filter", tmp_path, "1=Closed; 3=printer", route="classic")

        assert ended.status is Status.SAVED
        assert (tmp_path / "out.csv").read_bytes() == direct
    assert rows
    assert {row["Status"] for row in rows} == {"Closed"}
    assert all(int(row["Age (Hours)"]) > 100 and "printer" in row["Subject"].casefold() for row in rows)


@pytest.mark.parametrize("route", ["analytics", "classic"])
def test_date_range_and_scope_select_the_rows(tmp_path, route):
    """Of the report's own date column and of another; the user's own records."""
    with Emulator() as org:
        everything = fetch(org, "Open Pipeline", tmp_path, "", route="classic")[1]
        spring = fetch(org, "Open Pipeline", tmp_path, "date=CLOSE_DATE:2025-03-01..2025-05-31", route=route)[1]
        same = fetch(org, "Open Pipeline", tmp_path, "date=2025-03-01..2025-05-31", route=route)[1]
        mine = fetch(org, "Open Pipeline", tmp_path, "scope=mine", route=route)[1]

    assert spring == same
    assert {row["Close Date"].split("/")[0] for row in spring} == {"3", "4", "5"}
    assert 0 < len(spring) < len(everything)
    assert len({row["Opportunity Owner"] for row in mine}) == 1
    assert 0 < len(mine) < len(everything)


def test_analytics_keeps_filter_logic_with_other_values(tmp_path):
    """`1 OR 2 OR 3` is sent back, and extended by a slice's own filter only."""
    with Emulator({"reports": [LOGIC], "org": {"detail_row_limit": 500}}) as org:
        _, rows = fetch(org, "Logic", tmp_path, "1=Closed; 2=1900; 3=printer")
        bodies = [one.request.json()["reportMetadata"] for one in org.requests.records("analytics") if one.request.body]

    assert {body["reportBooleanFilter"] for body in bodies} == {"1 OR 2 OR 3", "(1 OR 2 OR 3) AND 4"}
    assert {body["reportFilters"][0]["value"] for body in bodies} == {"Closed"}
    assert any(row["Status"] != "Closed" for row in rows)


@pytest.mark.parametrize("route", ["auto", "analytics", "classic"])
def test_filter_that_the_report_lacks_is_invalid_and_named(tmp_path, route):
    """With the filters that it has, before any row is fetched."""
    with Emulator({"reports": [FILTERED]}) as org:
        error = refused(org, "Cases to filter", tmp_path, "7=x", route=route)
        requests = [one.path.rpartition("/")[2] for one in org.requests.records("analytics")]
        exports = org.requests.count("export")

    assert error.kind is ErrorKind.INVALID
    assert "3 filters, but `filters` sets filter 7" in error.message
    assert "1: Status (STATUS) equals 'New,Working,Closed'; 2: Age (Hours) (AGE) greaterThan '100'" in error.message
    assert (requests, exports) == (["describe"], 0)


@pytest.mark.parametrize(
    ("filters", "what"),
    [("date=NOPE:2026-01-01..2026-01-31", "NOPE"), ("scope=team", "scope"), ("2=many", "'many'")],
)
@pytest.mark.parametrize("route", ["auto", "excel"])
def test_value_that_salesforce_refuses_is_invalid_with_its_reason(tmp_path, filters, what, route):
    """In Salesforce's own words; the remedy is to correct the row, not to take a route that proves nothing."""
    with Emulator({"reports": [FILTERED]}) as org:
        error = refused(org, "Cases to filter", tmp_path, filters, route=route)

    assert error.kind is ErrorKind.INVALID
    assert what in error.message
    assert "Correct the row's `filters`" in error.remedy
    assert "classic" not in error.remedy
    assert not error.is_retryable


def test_page_in_place_of_a_filtered_export_points_to_the_filters(tmp_path):
    """Salesforce answers so to a scope or value that it does not accept; a proxy is the second guess."""
    with Emulator({"reports": [FILTERED]}) as org:
        error = refused(org, "Cases to filter", tmp_path, "scope=team", route="classic")

    assert error.kind is ErrorKind.NOT_CSV
    assert error.remedy.startswith("Check the row's `filters` first")


@pytest.mark.parametrize(
    ("ignored", "filters", "what"),
    [
        ("filters", "1=Closed", "filter 1"),
        ("date", "date=CREATED_DATEONLY:2025-01-01..2025-01-31", "date range"),
        ("scope", "scope=mine", "scope 'mine'"),
    ],
)
def test_org_that_ignores_a_filter_is_detected_by_its_own_answer(tmp_path, ignored, filters, what):
    """Nothing is saved, and the message says what the answer had instead."""
    with Emulator({"reports": [FILTERED], "org": {"ignored": [ignored]}}) as org:
        error = refused(org, "Cases to filter", tmp_path, filters)

    assert error.kind is ErrorKind.INVALID
    assert f"did not apply the requested {what}" in error.message
    assert list(tmp_path.iterdir()) == []


def test_org_that_ignores_a_filter_is_detected_by_asynchronous_runs_too(tmp_path, monkeypatch):
    """Their answers have the same metadata."""
    monkeypatch.setattr("sfr.salesforce.routes.analytics.runs.FIRST_POLL_S", 0.01)
    with Emulator({"reports": [FILTERED], "org": {"ignored": ["filters"], "hourly_report_runs": 0}}) as org:
        error = refused(org, "Cases to filter", tmp_path, "1=Closed")

    assert "did not apply the requested filter 1" in error.message


def test_export_that_ignores_a_filter_is_detected_by_its_rows(tmp_path):
    """As far as the column is in the report; the earlier file stays."""
    (tmp_path / "out.csv").write_bytes(b"old")
    with Emulator({"reports": [FILTERED], "org": {"ignored": ["filters"]}}) as org:
        ended, _ = fetch(org, "Cases to filter", tmp_path, "1=Closed", route="classic")

    assert ended.error is ErrorKind.INVALID
    assert "did not apply filter 1" in ended.message
    assert (tmp_path / "out.csv").read_bytes() == b"old"


def test_export_that_ignores_the_date_range_is_detected_by_its_rows(tmp_path):
    """Dates are read in the forms that users have."""
    with Emulator({"org": {"ignored": ["date"]}}) as org:
        ended, _ = fetch(org, "Open Pipeline", tmp_path, "date=2025-03-01..2025-03-31", route="classic")

    assert ended.error is ErrorKind.INVALID
    assert "did not apply the date range" in ended.message


def test_export_says_that_nothing_proves_its_filters(tmp_path):
    """And which of them the rows agree with; a filter on a column that the report does not show is not among them."""
    hidden = {
        **FILTERED,
        "filters": [*FILTERED["filters"][:1], {"column": "CASE_ID", "operator": "notEqual", "value": ""}],
    }
    with Emulator({"reports": [hidden]}) as org:
        ended, _ = fetch(org, "Cases to filter", tmp_path, "1=Closed; 2=x", route="classic")

    assert ended.is_valid
    assert ended.message.startswith("Nothing proves that Salesforce applied `filters`")
    assert ended.message.endswith("The first and last rows agree with filter 1.")


def test_export_needs_no_description_for_its_filters(tmp_path):
    """A session that the API refuses may still export; then nothing is checked."""
    rule = {"path": "*/describe", "action": "status", "code": 403}
    with Emulator({"reports": [FILTERED], "rules": [rule]}) as org:
        ended, rows = fetch(org, "Cases to filter", tmp_path, "1=Closed", route="classic")

    assert {row["Status"] for row in rows} == {"Closed"}
    assert "agree" not in ended.message


def test_export_is_not_requested_when_a_stop_ended_the_description(tmp_path, monkeypatch):
    """A stopped run begins nothing more, although an export can do without the description."""

    def stopped(*_):
        raise ReportError(ErrorKind.INTERRUPTED, "The run was stopped.", permanent=True)

    monkeypatch.setattr("sfr.salesforce.routes.filtered_export.describe", stopped)
    with Emulator({"reports": [FILTERED]}) as org:
        error = refused(org, "Cases to filter", tmp_path, "1=Closed", route="classic")

    assert error.kind is ErrorKind.INTERRUPTED


@pytest.mark.parametrize("rows", [2_500, 1_500])
def test_twenty_filters_leave_no_place_for_slicing(tmp_path, rows):
    """Past one answer that is `invalid`; below it the filters work."""
    many = {"name": "Many", "rows": rows, "filters": [{"column": "STATUS", "operator": "notEqual", "value": "x"}] * 20}
    with Emulator({"reports": [many]}) as org:
        if rows > 2_000:
            error = refused(org, "Many", tmp_path, "20=y")
            assert error.kind is ErrorKind.INVALID
            assert "20 filters" in error.message
        else:
            assert len(fetch(org, "Many", tmp_path, "20=y")[1]) == rows


def test_grouped_report_that_runs_as_saved_gets_its_filters(tmp_path):
    """A summary report with a row limit cannot become a table."""
    with Emulator() as org:
        saved = org.org.catalogue.named("Deals by Stage")
        filters = ({"column": "REGION", "operator": "notEqual", "value": "x"},)
        org.org.catalogue.add(replace(saved, row_limit=1_000, filters=filters))
        _, rows = fetch(org, "Deals by Stage", tmp_path, "date=CLOSE_DATE:2025-03-01..2025-03-31")

    assert {row["Close Date"].split("/")[0] for row in rows} == {"3"}
