"""Route `analytics` against the embedded org: the same bytes as the classic export, whatever the size."""

import threading
from dataclasses import replace

import pytest

from sfr.emulator import Emulator
from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes import ROUTES
from sfr.salesforce.routes.analytics import run_budget, runs
from tests.connector_exchange import exchange_with, report, text_of


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(runs, "FIRST_POLL_S", 0.01)


def fetch(org, name, directory, **more):
    """The CSV that the route returns."""
    timeout_s = more.pop("timeout_s", 60.0)
    with exchange_with(org.url, directory, token=org.new_sid("browser"), timeout_s=timeout_s) as exchange:
        received = ROUTES["analytics"](replace(exchange, report=report(org.report(name).id, **more)))
        assert not received.has_footer
        assert received.content_encoding == "identity"
        return text_of(exchange)


def refused(org, name, directory, **more):
    """The error that the route raises."""
    with pytest.raises(ReportError) as caught:
        fetch(org, name, directory, **more)
    return caught.value


def expected(org, name, **form):
    """The CSV of the classic export, footer apart."""
    return b"".join(org.expected_csv(name, **form))


def analytics_paths(org):
    """Method and last part of the path of every request."""
    return [(one.method, one.path.rpartition("/")[2]) for one in org.requests.records("analytics")]


@pytest.mark.parametrize(
    "name",
    [
        "Open Pipeline",
        "Accounts by City",
        "Deals by Stage",
        "Revenue by Region and Quarter",
        "Leads of the Year",
        "Cases by Status and Priority",
        "Lapsed Contracts",
        "Awkward Cells",
        "Awkward Single Column",
    ],
)
def test_analytics_gives_the_bytes_of_the_classic_export(name, tmp_path):
    """Tabular, summary and matrix, no rows and awkward cells; with slices where there are more rows than 2,000."""
    with Emulator() as org:
        assert fetch(org, name, tmp_path) == expected(org, name)


def test_analytics_makes_no_needless_request_when_the_report_is_small(tmp_path):
    """What the report is, and its rows."""
    with Emulator() as org:
        fetch(org, "Deals by Stage", tmp_path)

        assert analytics_paths(org) == [("GET", "describe"), ("POST", org.report("Deals by Stage").id)]
        assert org.requests.count("limits") == 0
        assert all(one.credential == "bearer" for one in org.requests.records())


def test_analytics_writes_the_encoding_that_the_list_names(tmp_path):
    """Later steps decode by `enc`, whatever the route."""
    with Emulator() as org:
        text = fetch(
            org, "Awkward Cells", tmp_path, export_params="?export=1&enc=ISO-8859-1&xf=csv", encoding="iso8859-1"
        )

        assert text == expected(org, "Awkward Cells", encoding="iso-8859-1")


def test_analytics_keeps_filters_logic_and_dates_of_the_report_in_every_slice(tmp_path):
    """`1 OR 2` and a time span let through a part of the rows, more than one answer holds; no slice contains others."""
    filtered = {
        "name": "Filtered",
        "rows": 4_000,
        "filters": [
            {"column": "STATUS", "operator": "equals", "value": "New,Working"},
            {"column": "PRIORITY", "operator": "notEqual", "value": "Low"},
        ],
        "filter_logic": "1 OR 2",
        "start_date": "2025-02-01",
        "end_date": "2025-12-15",
    }
    with Emulator({"org": {"detail_row_limit": 400}, "reports": [filtered]}) as org:
        rows = org.report("Filtered").rows
        assert 1_000 < rows < 3_500
        assert fetch(org, "Filtered", tmp_path) == expected(org, "Filtered")

        asked = [one.request.json()["reportMetadata"] for one in org.requests.records("analytics") if one.request.body]
        assert {one["reportBooleanFilter"] for one in asked} >= {"1 OR 2", "(1 OR 2) AND 3"}
        assert {one["scope"] for one in asked} == {"organization"}


def test_analytics_proves_each_slice_by_its_end_when_salesforce_does_not_count(tmp_path):
    """One more run per slice, sorted the other way round; the bytes are the same."""
    uncounted = {"name": "Uncounted", "rows": 1_100, "has_record_count": False}
    with Emulator({"org": {"detail_row_limit": 300}, "reports": [uncounted]}) as org:
        assert fetch(org, "Uncounted", tmp_path) == expected(org, "Uncounted")

        asked = [one.request.json()["reportMetadata"] for one in org.requests.records("analytics") if one.request.body]
        orders = [one["sortBy"][0]["sortOrder"] for one in asked if one["sortBy"]]
        # Four slices, three steps between them, and the rows without an id.
        assert (orders.count("Asc"), orders.count("Desc")) == (4 + 1, 3)


def test_analytics_slices_by_record_numbers_when_ids_cannot_be_compared(tmp_path):
    """Case numbers are as good a key as ids."""
    with Emulator({"org": {"ordered_ids": False, "detail_row_limit": 1500}}) as org:
        assert fetch(org, "Cases by Status and Priority", tmp_path) == expected(org, "Cases by Status and Priority")


def test_analytics_refuses_what_cannot_be_sliced(tmp_path):
    """No comparable id and no record numbers: it says which columns, and what to do."""
    with Emulator({"org": {"ordered_ids": False}}) as org:
        error = refused(org, "Leads of the Year", tmp_path)

    assert error.kind is ErrorKind.INVALID
    assert "LEAD_ID" in error.message
    assert "route: classic" in error.remedy


@pytest.mark.parametrize(
    ("more", "what"), [({"row_limit": 3_000}, "row limit"), ({"has_cross_filter": True}, "cross filters")]
)
def test_analytics_refuses_a_row_limit_or_cross_filters_past_one_answer(more, what, tmp_path):
    """The API does not combine these with filters."""
    with Emulator({"reports": [{"name": "Special", "rows": 5_000, **more}]}) as org:
        error = refused(org, "Special", tmp_path)

    assert error.kind is ErrorKind.INVALID
    assert what in error.message


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [("Joined Overview", ErrorKind.INVALID, "joined report"), ("Salaries", ErrorKind.FORBIDDEN, "privileges")],
)
def test_analytics_explains_reports_that_nobody_gets(name, kind, what, tmp_path):
    """One error each, in words."""
    with Emulator() as org:
        error = refused(org, name, tmp_path)

    assert error.kind is kind
    assert what in error.message


def test_analytics_refuses_export_parameters_that_choose_rows(tmp_path):
    """Filters of a classic URL would be lost without a word."""
    with Emulator() as org:
        error = refused(org, "Awkward Cells", tmp_path, export_params="?export=1&pv0=x&scope=mine")

        assert error.kind is ErrorKind.INVALID
        assert "`pv0`, `scope`" in error.message
        assert not org.requests.records()


def test_analytics_continues_after_failures_in_the_middle(tmp_path):
    """A reset, a busy server and a cut answer on the way cost no row and no new beginning."""
    runs_path = "/services/data/*/analytics/reports/*"
    scenario = {
        "org": {"detail_row_limit": 500},
        "rules": [
            {"path": runs_path, "method": "POST", "attempts": "3", "action": "reset", "after_bytes": 5000},
            {"path": runs_path, "method": "POST", "attempts": "5", "action": "status", "code": 503},
            {"path": runs_path, "method": "POST", "attempts": "7", "action": "cut_gzip"},
        ],
    }
    with Emulator(scenario) as org:
        assert fetch(org, "Cases by Status and Priority", tmp_path) == expected(org, "Cases by Status and Priority")
        assert analytics_paths(org).count(("GET", "describe")) == 1


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"action": "reset"}, ErrorKind.NETWORK),
        ({"action": "short_length"}, ErrorKind.TRUNCATED),
        ({"action": "close"}, ErrorKind.TRUNCATED),
        ({"action": "close_delimited", "after_bytes": 2_000}, ErrorKind.TRUNCATED),
        ({"action": "cut_gzip"}, ErrorKind.TRUNCATED),
        ({"action": "spoilt_gzip", "kind": "bad_crc"}, ErrorKind.TRUNCATED),
        ({"action": "spoilt_gzip", "kind": "no_trailer"}, ErrorKind.TRUNCATED),
        ({"action": "cut_content", "at": "in_row"}, ErrorKind.TRUNCATED),
        ({"action": "cut_content", "at": "after_bytes"}, ErrorKind.TRUNCATED),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_analytics_saves_nothing_when_an_answer_stays_cut(rule, kind, tmp_path, monkeypatch):
    """The third slice is cut, however often it is requested: the report fails, as one that may be tried again."""
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 0.0)
    rule = {"path": "/services/data/*/analytics/reports/*", "method": "POST", "attempts": "3-", **rule}
    with Emulator({"org": {"detail_row_limit": 500}, "rules": [rule]}) as org:
        error = refused(org, "Cases by Status and Priority", tmp_path)

    assert (error.kind, error.is_retryable) == (kind, True)


def test_analytics_runs_later_when_the_hours_synchronous_runs_are_nearly_used_up(tmp_path):
    """`instances`, whose limit is another one."""
    with Emulator({"org": {"detail_row_limit": 500, "hourly_report_runs": 3}}) as org:
        assert fetch(org, "Cases by Status and Priority", tmp_path) == expected(org, "Cases by Status and Priority")
        assert ("POST", "instances") in analytics_paths(org)


def test_analytics_runs_later_when_a_synchronous_run_is_refused_or_takes_too_long(tmp_path):
    """The hour's limit, reported by an error, and a gateway's time-out."""
    for instead in ({"hourly_report_runs": 0}, None):
        rule = {"path": "/services/data/*/analytics/reports/*", "method": "POST", "attempts": 1}
        scenario = {"org": instead or {}, "rules": [] if instead else [{**rule, "action": "status", "code": 504}]}
        with Emulator(scenario) as org:
            assert fetch(org, "Awkward Cells", tmp_path) == expected(org, "Awkward Cells")
            assert ("POST", "instances") in analytics_paths(org)


def test_analytics_runs_later_when_no_answer_comes_within_a_synchronous_runs_time(tmp_path, monkeypatch):
    """Salesforce thinks for minutes before its first byte; the clock that ends the wait is SFR's own."""
    monkeypatch.setattr(runs, "MAX_SYNC_RUN_S", 0.3)
    rule = {"path": "/services/data/*/analytics/reports/*", "method": "POST", "attempts": 1}
    with Emulator({"rules": [{**rule, "action": "delay", "seconds": 30}]}) as org:
        assert fetch(org, "Awkward Cells", tmp_path) == expected(org, "Awkward Cells")
        assert ("POST", "instances") in analytics_paths(org)


def test_analytics_says_the_estimate_before_the_first_slice(tmp_path, caplog):
    """Rows, runs, and what is left of the hour's."""
    with Emulator({"org": {"detail_row_limit": 500}}) as org, caplog.at_level("INFO", logger="sfr"):
        fetch(org, "Cases by Status and Priority", tmp_path)

    (estimate,) = [one.getMessage() for one in caplog.records if "report runs; remaining this hour" in one.getMessage()]
    assert "about 2,600 rows in about 6 report runs" in estimate
    assert "499 synchronous, 1,200 asynchronous" in estimate


def test_analytics_fails_early_when_the_report_does_not_fit_into_the_limits(tmp_path):
    """It says how many runs it needs and how many there are, and requests no slice."""
    with Emulator({"org": {"detail_row_limit": 100, "hourly_report_runs": 20, "hourly_async_report_runs": 10}}) as org:
        error = refused(org, "Open Pipeline", tmp_path)

        assert (error.kind, error.is_retryable) == (ErrorKind.RATE_LIMITED, False)
        assert "57 report runs" in error.message
        assert "10 asynchronous" in error.message
        assert len(analytics_paths(org)) == 2


def test_analytics_fails_early_when_the_days_requests_do_not_suffice(tmp_path):
    """`Sforce-Limit-Info` is watched on every answer."""
    with Emulator({"org": {"detail_row_limit": 100, "daily_api_requests": 30}}) as org:
        error = refused(org, "Open Pipeline", tmp_path)

        assert (error.kind, error.is_retryable) == (ErrorKind.RATE_LIMITED, False)
        assert "API requests" in error.message
        assert "24 hours" in error.remedy


def test_analytics_fails_early_when_the_time_does_not_suffice(tmp_path, monkeypatch):
    """After some runs it is clear how long the others take."""
    monkeypatch.setattr(run_budget, "TIMED_RUNS", 2)
    with Emulator({"org": {"detail_row_limit": 50, "latency_s": 0.2}}) as org:
        error = refused(org, "Open Pipeline", tmp_path, timeout_s=6)

        assert (error.kind, error.is_retryable) == (ErrorKind.TIMEOUT, False)
        assert "fetch.timeout_s" in error.remedy
        assert len(analytics_paths(org)) < 20


def test_analytics_says_what_salesforce_says_of_a_failed_asynchronous_run(tmp_path):
    """`errorMessage` is passed on."""
    with Emulator({"org": {"hourly_report_runs": 0, "async_runs_fail": True}}) as org:
        error = refused(org, "Awkward Cells", tmp_path)

    assert error.kind is ErrorKind.SERVER
    assert "makes asynchronous runs fail" in error.message


def test_analytics_runs_later_when_a_run_ends_as_query_timeout(tmp_path):
    """Status 400, and no mistake of the report: asynchronously it comes."""
    rule = {"path": "*/analytics/reports/00O*", "method": "POST", "attempts": 1, "action": "status", "code": 400}
    rule |= {"error_code": "QUERY_TIMEOUT", "message": "Your query request was running for too long."}
    with Emulator({"rules": [rule]}) as org, Emulator() as whole_org:
        assert fetch(org, "Awkward Cells", tmp_path) == expected(whole_org, "Awkward Cells")
        assert ("POST", "instances") in analytics_paths(org)


@pytest.mark.parametrize(("code", "error_code"), [(400, "TXN_SECURITY_METERING_ERROR"), (404, "NOT_FOUND"), (406, "X")])
def test_analytics_repeats_the_poll_of_a_run_when_it_is_refused_for_a_moment(code, error_code, tmp_path, monkeypatch):
    """The run continues; starting another would cost one of the hour's."""
    monkeypatch.setattr("sfr.salesforce.rest.FIRST_WAIT_S", 0.01)
    rule = {"path": "*/instances/*", "attempts": "1-2", "action": "status", "code": code, "error_code": error_code}
    with Emulator({"org": {"hourly_report_runs": 0}, "rules": [rule]}) as org, Emulator() as whole_org:
        assert fetch(org, "Awkward Cells", tmp_path) == expected(whole_org, "Awkward Cells")
        assert analytics_paths(org).count(("POST", "instances")) == 1


def test_analytics_ends_a_report_that_the_api_cannot_run_at_once(tmp_path):
    """501: once, `invalid`, and the route that works."""
    rule = {"path": "*/analytics/reports/00O*", "method": "POST", "action": "status", "code": 501}
    rule |= {"error_code": "NOT_IMPLEMENTED", "message": "The report is not runnable by the API."}
    with Emulator({"rules": [rule]}) as org:
        error = refused(org, "Awkward Cells", tmp_path)

    assert (error.kind, error.is_retryable) == (ErrorKind.INVALID, False)
    assert "route: classic" in error.remedy


def test_analytics_stops_at_once_when_the_run_is_stopped(tmp_path):
    """A poll is no reason to wait for it."""
    with (
        Emulator({"org": {"hourly_report_runs": 0, "async_polls": 10_000}}) as org,
        exchange_with(org.url, tmp_path, token=org.new_sid("browser"), timeout_s=60) as exchange,
    ):

        def stop():
            org.requests.wait_for(lambda log: log.count("analytics") >= 4, timeout_s=30)
            exchange.transport.abort()

        stopper = threading.Thread(target=stop)
        stopper.start()
        with pytest.raises(ReportError) as caught:
            ROUTES["analytics"](replace(exchange, report=report(org.report("Awkward Cells").id)))
        stopper.join()

    assert caught.value.kind is ErrorKind.INTERRUPTED


def test_analytics_runs_a_grouped_report_as_saved_when_it_is_not_run_as_a_table(tmp_path):
    """Its rows are then read from under their groupings."""
    rule = {"path": "/services/data/*/analytics/reports/*", "method": "POST", "action": "status", "code": 400}
    with Emulator({"rules": [rule]}) as org:
        for name in ("Deals by Stage", "Revenue by Region and Quarter"):
            found, wanted = fetch(org, name, tmp_path).splitlines(), expected(org, name).splitlines()
            assert found[0] == wanted[0]
            assert sorted(found) == sorted(wanted)
        error = refused(org, "Cases by Status and Priority", tmp_path)

    assert error.kind is ErrorKind.INVALID
    assert "grouped report" in error.message
