"""`route: auto` as a run: which route fetches a report when the first one is shut."""

import pytest

import sfr
from sfr.emulator import Emulator

NAMES = ("Open Pipeline", "Deals by Stage", "Awkward Cells")


@pytest.fixture
def run(tmp_path):
    """Runs reports of an org; returns what the run ended with."""

    def start(org, names=NAMES, *, auth="client_credentials", route="auto", rows=()):
        known = org.credentials
        settings = {
            "client_credentials": f"{{client_id: '{known.client_id}', client_secret: '{known.client_secret}'}}",
            "sid": f"{{value: '{known.sid}'}}",
        }
        path = tmp_path / "sfr.yaml"
        path.write_text(
            f"salesforce: {{domain: '{org.url}', route: {route}, auth: {{{auth}: {settings[auth]}}}}}\n"
            f"output: {{directory: '{tmp_path}/out'}}\n"
            "logging: {file: {path: null}}\n"
            "fetch: {threads: 2, backoff: {first_s: 0.01, max_s: 0.05}}\n"
            "workers: {count: 1}\n"
        )
        path.chmod(0o600)
        listed = [{"report_type": "SFDC", "report_file_name": n, "report_id": org.report(n).id} for n in names]
        return sfr.run(str(path), reports=[*listed, *rows])

    return start


def routes_of(stats):
    """Route and error of each report."""
    return [(one.route, one.error) for one in stats.reports]


def assert_complete(org, stats):
    """Every file holds the report's rows, whichever route fetched them."""
    for one in stats.reports:
        with open(one.report.path, "rb") as file:
            assert file.read() == b"".join(org.expected_csv(one.report.name))


@pytest.mark.parametrize(
    ("scenario", "auth"),
    [
        ({"org": {"step_up": "browser"}}, "sid"),
        ({"org": {"step_up": "always"}}, "client_credentials"),
        ({"org": {"export_is_page": True}}, "client_credentials"),
        ({"org": {"scopes": ["api"]}}, "client_credentials"),
    ],
)
def test_auto_continues_with_analytics_when_exports_are_shut(run, scenario, auth):
    """A second factor, an org without Classic, a token that opens no pages: all reports come, by the API."""
    with Emulator(scenario) as org:
        stats = run(org, auth=auth)

        assert stats.exit_code == 0
        assert routes_of(stats) == [("analytics", None)] * 3
        assert_complete(org, stats)
        assert [note.partition(":")[0] for note in stats.notes] == ["The run switched to `analytics`"]
        # Two threads had requested an export before the first answer.
        assert org.requests.count("export") <= 6


def test_auto_takes_the_export_when_it_works(run):
    """No other request than those of `classic`."""
    with Emulator() as org:
        stats = run(org)

        assert routes_of(stats) == [("classic", None)] * 3
        assert stats.notes == ()
        assert org.requests.count("analytics") == org.requests.count("frontdoor") == 0


@pytest.mark.parametrize(("route", "exit_code", "error"), [("classic", 3, "challenge"), ("analytics", 0, None)])
def test_forced_route_is_the_only_one(run, route, exit_code, error):
    """`classic` ends with the challenge, `analytics` never requests an export."""
    with Emulator({"org": {"step_up": "always"}}) as org:
        stats = run(org, route=route)

        assert stats.exit_code == exit_code
        assert routes_of(stats)[0] == (route, error)
        assert bool(org.requests.count("export")) is (route == "classic")
        assert bool(org.requests.count("analytics")) is (route == "analytics")


def test_report_whose_fall_back_fails_keeps_its_error(run):
    """The others are saved; what is wrong with it is what the API says."""
    rule = {"path": "/services/data/*", "report": "Deals*", "action": "status", "code": 404}
    with Emulator({"org": {"export_is_page": True}, "rules": [rule]}) as org:
        stats = run(org)

    assert stats.exit_code == 4
    assert routes_of(stats) == [("analytics", None), ("analytics", "not_found"), ("analytics", None)]
    assert "`analytics` was tried" in stats.reports[1].message
    assert not stats.reports[0].message


def test_joined_report_is_named_as_one(run):
    """Salesforce answers its export with a page of no meaning."""
    with Emulator() as org:
        stats = run(org, names=("Joined Overview", "Awkward Cells"))

    assert [one.error for one in stats.reports] == ["invalid", None]
    assert "joined report" in stats.reports[0].message


def test_change_of_route_is_noted_in_the_summary(run):
    """Once, in the run where it changed; the run after compares with that one."""
    with Emulator() as org:
        first = run(org)
        org.change(step_up="always")
        second, third = run(org), run(org)

    assert not any("last good run by" in one.message for one in first.reports)
    assert all("Fetched by `analytics`, the last good run by `classic`" in one.message for one in second.reports)
    assert not any("last good run by" in one.message for one in third.reports)


def test_lost_session_is_renewed_and_the_route_stays(run):
    """A session that expires is no reason for another route."""
    with Emulator({"rules": [{"report": "Open*", "attempts": 1, "action": "lose_sessions"}]}) as org:
        stats = run(org)

        assert routes_of(stats) == [("classic", None)] * 3
        assert org.requests.count("login") == 2


def test_session_lost_in_the_middle_of_slices_costs_no_new_beginning(run):
    """Renewed within the report: it is described once."""
    path = "/services/data/*/analytics/reports/*"
    rule = {"path": path, "method": "POST", "attempts": 3, "action": "lose_sessions"}
    with Emulator({"rules": [rule]}) as org:
        stats = run(org, names=("Open Pipeline",), route="analytics")

        assert (stats.exit_code, stats.reports[0].attempt_count) == (0, 1)
        assert_complete(org, stats)
        assert org.requests.count("login") == 2


def test_query_is_fetched_in_bulk_whatever_the_route(run):
    """SOQL has one way only; a refused query is `invalid`."""
    good = {"report_type": "SOQL", "report_file_name": "q", "soql": "SELECT Id, Name FROM Account"}
    bad = {"report_type": "SOQL", "report_file_name": "bad", "soql": "SELECT Nope FROM Account"}
    with Emulator({"org": {"step_up": "always"}}) as org:
        stats = run(org, names=(), route="classic", rows=[good, bad])

    assert routes_of(stats) == [("bulk", None), ("bulk", "invalid")]
    assert (stats.reports[0].rows, stats.reports[0].columns) == (3_200, 2)
    assert "Nope" in stats.reports[1].message
