"""Which way a report goes next under `route: auto`."""

from dataclasses import replace

import pytest

from sfr.errors import ErrorKind, ReportError
from sfr.model import Baseline
from sfr.redaction import Secret
from sfr.runner.routing import Routes, route_change_note
from sfr.salesforce.page_kinds import LightningError
from sfr.salesforce.session import Session
from tests.connector_exchange import report

AUTO = report("00Oxx0000000001AAA")
SESSION = Session(Secret("token"), "https://acme.my.salesforce.com", 2)
CHALLENGE = ReportError(ErrorKind.CHALLENGE, "A second factor.", permanent=True)
LIGHTNING = LightningError(ErrorKind.NOT_CSV, "No Classic.", permanent=True)
REFUSED = ReportError(ErrorKind.AUTH, "A log-in page.")


@pytest.mark.parametrize("error", [CHALLENGE, LIGHTNING, REFUSED])
def test_auto_continues_with_analytics_for_the_rest_of_the_run(error):
    """What concerns the session or the org concerns every report."""
    routes = Routes()

    assert routes.route_of(AUTO, "classic") == "classic"
    assert routes.next_route(AUTO, "classic", error, SESSION) == "analytics"
    assert routes.route_of(AUTO, "classic") == "analytics"
    assert routes.reason == error.message


@pytest.mark.parametrize(
    "error",
    [
        ReportError(ErrorKind.FORBIDDEN, "No.", permanent=True),
        ReportError(ErrorKind.NOT_CSV, "Another page.", permanent=True),
        ReportError(ErrorKind.TRUNCATED, "Cut."),
        ReportError(ErrorKind.AUTH, "The log-in was refused.", permanent=True),
    ],
)
def test_auto_stays_when_another_route_would_not_help(error):
    """Neither a missing permission nor a refused log-in is fixed by another route."""
    routes = Routes()

    assert routes.next_route(AUTO, "classic", error, SESSION) is None
    assert routes.route_of(AUTO, "classic") == "classic"


def test_forced_routes_and_queries_never_change():
    """`classic` and `analytics` force one; a fall-back that fails is the end."""
    routes = Routes()
    for forced in ("classic", "analytics"):
        assert routes.next_route(replace(AUTO, route=forced), forced, CHALLENGE, SESSION) is None
    assert routes.next_route(AUTO, "analytics", CHALLENGE, SESSION) is None
    routes.next_route(AUTO, "classic", CHALLENGE, SESSION)

    assert routes.route_of(replace(AUTO, route="classic"), "classic") == "classic"
    assert routes.route_of(report(soql="SELECT Id FROM Account"), "bulk") == "bulk"


def test_refusal_moves_one_report_only_when_the_session_works_for_others():
    """A session that has fetched another report by `classic` is not the cause."""
    routes = Routes()
    routes.record_success(SESSION, "classic")

    assert routes.next_route(AUTO, "classic", REFUSED, SESSION) == "analytics"
    assert routes.route_of(AUTO, "classic") == "classic"


def test_success_by_analytics_proves_nothing_about_the_export():
    """A token may be good for one and not for the other."""
    routes = Routes()
    routes.record_success(SESSION, "analytics")
    routes.next_route(AUTO, "classic", REFUSED, SESSION)

    assert routes.route_of(AUTO, "classic") == "analytics"


def test_changed_route_is_noted():
    """Values may be formatted differently: a reader of the summary must know."""
    note = route_change_note(AUTO, "analytics", Baseline(1, None, "classic", 1, 1, 1.0))

    assert note.startswith("Fetched by `analytics`, the last good run by `classic`")


@pytest.mark.parametrize("before", [Baseline(1, None, "classic", 1, 1, 1.0), Baseline(1, None, None, 1, 1, 1.0), None])
def test_same_route_is_not_noted(before):
    """Nor is the first run's."""
    assert route_change_note(AUTO, "classic", before) == ""
