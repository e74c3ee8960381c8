"""Whether a sliced report fits into what an org says it still allows."""

import json

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.rest import RestApi
from sfr.salesforce.routes.analytics.run_budget import RunBudget
from sfr.salesforce.routes.analytics.runs import ReportRuns
from tests.connector_exchange import exchange_with
from tests.raw_server import RawServer, Reply, response

MUCH = {"Max": 100_000, "Remaining": 90_000}


def opened(directory, rows, header=None, **limits):
    """The budget of a report of this many rows, after its estimate; the runs that it watches."""
    document = {"DailyApiRequests": MUCH, "HourlySyncReportRuns": MUCH, "HourlyAsyncReportRuns": MUCH, **limits}
    headers = {} if header is None else {"Sforce_Limit_Info": header}
    reply = Reply([response(200, json.dumps(document).encode(), **headers)], "keep")
    with RawServer(lambda _asked: reply) as server, exchange_with(server.url, directory) as exchange:
        runs = ReportRuns(RestApi.of(exchange), "00Oxx0000000001AAA")
        RunBudget(runs, "report", rows, 2_000).open()
        return runs


@pytest.mark.parametrize(
    ("header", "limits", "what"),
    [
        (None, {"DailyApiRequests": {"Max": 100, "Remaining": 50}}, "51 API requests; the org has 50 left"),
        ("api-usage=60/100", {}, "51 API requests; the org has 40 of 100 left"),
        (None, {"HourlySyncReportRuns": {"Max": 500, "Remaining": 30},
                "HourlyAsyncReportRuns": {"Max": 1_200, "Remaining": 10}}, "51 report runs; 30 synchronous and 10"),
        (None, {"HourlySyncReportRuns": {"Max": 500, "Remaining": 20},
                "HourlyAsyncReportRuns": {"Max": 1_200, "Remaining": 10}}, "51 report runs; 10 asynchronous"),
    ],
)  # fmt: skip
def test_allowance_refuses_a_report_that_does_not_fit_and_says_what_it_would_take(header, limits, what, tmp_path):
    """The day's requests, from the answer's header or else from `/limits`; the hour's runs of both kinds."""
    with pytest.raises(ReportError, match=what) as caught:
        opened(tmp_path, 101_000, header, **limits)

    assert (caught.value.kind, caught.value.is_retryable) == (ErrorKind.RATE_LIMITED, False)


def test_allowance_leaves_the_last_synchronous_runs_to_others(tmp_path):
    """25 of 500 are a twentieth: from there on runs are asynchronous."""
    left = {"Max": 500, "Remaining": 25}

    assert opened(tmp_path, 10_000, HourlySyncReportRuns=left).is_async
    assert not opened(tmp_path, 10_000, HourlySyncReportRuns={**left, "Remaining": 26}).is_async


def test_allowance_lets_a_report_begin_when_the_org_reports_no_limits(tmp_path):
    """An older API version, or a user who may not see them: nothing is known, so nothing is refused."""
    unknown = {"DailyApiRequests": None, "HourlySyncReportRuns": None, "HourlyAsyncReportRuns": None}

    assert not opened(tmp_path, 10**9, **unknown).is_async
