"""What an org says is left."""

import pytest

from sfr.salesforce.limits import ApiUsage, parse_limit_info, parse_limits


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("api-usage=25/5000", ApiUsage(25, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=x)", ApiUsage(25, 5000)),
        ("per-app-api-usage=17/250(appName=x), api-usage=25/5000", ApiUsage(25, 5000)),
        ("per-app-api-usage=17/250(appName=x)", None),
        ("nonsense", None),
        ("", None),
        (None, None),
    ],
)
def test_limit_info_is_the_orgs_usage_not_an_apps(header, usage):
    """One app's allowance is not the org's."""
    assert parse_limit_info(header) == usage


def test_usage_left_is_never_negative():
    """An org may let through a few more than it allows."""
    assert ApiUsage(5001, 5000).left == 0


def test_limits_are_unknown_where_the_org_reports_none():
    """A missing entry, and one of another form."""
    limits = parse_limits({"DailyApiRequests": {"Max": 10, "Remaining": 4}, "HourlySyncReportRuns": {"Max": True}})

    assert limits.api_requests_left == 4
    assert limits.sync_runs_left is limits.sync_runs_most is limits.async_runs_left is None
