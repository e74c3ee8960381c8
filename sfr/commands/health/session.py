"""Checks the log-in, and what its session may do: scopes, permissions, and access to the listed reports."""

from __future__ import annotations

from sfr.commands.health.base import Finding, SetUp, Status
from sfr.commands.health.routes import ADD_WEB
from sfr.errors import LogInError, ReportError
from sfr.model import SOQL, Report
from sfr.runner import assembly
from sfr.salesforce.auth import METHODS
from sfr.salesforce.catalogue import describe_reports
from sfr.salesforce.connection import Connection
from sfr.salesforce.hosts import instance_url
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.org_check import examine
from sfr.salesforce.rest import RestApi
from sfr.salesforce.session import Session
from sfr.terminal.figures import counted
from sfr.wording import shown

TIMEOUT_S = 30.0
#: Routes of reports with which `classic` and `analytics` can be tried.
USUAL_ROUTES = ("auto", "classic", "analytics")
#: Reports named in one line.
MAX_NAMED = 10
API_ENABLED = "Give the user the permission `API Enabled` (its permission set, System Permissions)."


def check_log_in(set_up: SetUp) -> Finding:
    """Log in as a run does, once."""
    config, transport, loaded = set_up.config, set_up.transport, set_up.loaded
    assert config is not None and transport is not None and loaded is not None  # noqa: S101, PT018 - see `CHECKS`
    salesforce = config.salesforce
    context = assembly.log_in_context(config, transport, loaded.redactor)
    try:
        grant = METHODS[salesforce.auth_method].log_in(salesforce.auth, context)
        session = Session(grant.access_token, instance_url(grant.instance_url, salesforce.domain), 1)
        version, _ = examine(
            transport, session, salesforce.api_version, lambda: assembly.log_in_deadline(config), must_respond=True
        )
    except LogInError as error:
        set_up.is_refused = True
        return Finding("log_in", Status.FAIL, str(error), "docs/salesforce-setup.md has the steps in Setup.")
    except ReportError as error:
        return Finding("log_in", Status.FAIL, error.message, error.remedy)
    set_up.connection = Connection(transport, session, version)
    set_up.scopes = grant.scopes
    if grant.notes:
        return Finding("log_in", Status.WARN, " ".join(grant.notes), "See docs/salesforce-setup.md.")
    return Finding("log_in", Status.OK, f"`{salesforce.auth_method}` at {session.instance_url}, API {version}")


def check_scopes(set_up: SetUp) -> Finding:
    """Whether the token's scopes suffice for both routes."""
    if set_up.scopes is None:
        return Finding("scopes", Status.SKIP, "this log-in method has no scopes")
    has = ", ".join(sorted(map(shown, set_up.scopes))) or "none"
    wanted = [name for name in ("api", "web") if not {name, "full"} & set_up.scopes]
    if "api" in wanted:
        return Finding("scopes", Status.FAIL, f"`api` is missing; the token has: {has}", "Add it to the app's scopes.")
    if wanted:
        message = f"`web`, for the classic export, is missing; the token has: {has}"
        return Finding("scopes", Status.WARN, message, ADD_WEB)
    return Finding("scopes", Status.OK, has)


def check_api(set_up: SetUp) -> Finding:
    """Whether the user has `API Enabled`, and how many API requests the org has left."""
    api = _api(set_up)
    try:
        api.call("GET", "/limits")
    except ReportError as error:
        remedy = API_ENABLED if "API_DISABLED" in error.message else error.remedy
        return Finding("api_enabled", Status.FAIL, error.message, remedy)
    usage = api.usage
    left = f"; {usage.used:,} of {usage.allowed:,} requests used in 24 h" if usage else ""
    return Finding("api_enabled", Status.OK, f"the user may use the API{left}")


def check_reports(set_up: SetUp) -> Finding:
    """Whether the org shows every listed report to the user."""
    connection, reports = set_up.connection, set_up.reports
    assert connection is not None and reports is not None  # noqa: S101, PT018 - see `CHECKS`
    try:
        facts = describe_reports(connection, reports)
    except ReportError as error:
        return Finding(
            "reports", Status.FAIL, f"the org's list of reports cannot be read: {error.message}", error.remedy
        )
    sound = [fact.report for fact in facts if not fact.problem and _can_be_tried(fact.report)]
    set_up.sample = sound[0] if sound else None
    problems = [f"{shown(fact.report.name)} ({fact.problem})" for fact in facts if fact.problem]
    if problems:
        more = f" and {len(problems) - MAX_NAMED} more" if len(problems) > MAX_NAMED else ""
        message = f"{len(problems):,} of {counted(len(facts), 'report')}: {', '.join(problems[:MAX_NAMED])}{more}"
        return Finding("reports", Status.FAIL, message, "Share their folders with the user, or take them off the list.")
    return Finding("reports", Status.OK, f"{counted(len(facts), 'listed report')}, all visible to the user")


def _can_be_tried(report: Report) -> bool:
    return report.report_type != SOQL and report.route in USUAL_ROUTES


def _api(set_up: SetUp) -> RestApi:
    connection = set_up.connection
    assert connection is not None  # noqa: S101 - see `CHECKS`
    deadline = Deadline.after(TIMEOUT_S, f"the {TIMEOUT_S:g} s for this check")
    return RestApi(connection.transport, connection.session, connection.api_version, deadline)
