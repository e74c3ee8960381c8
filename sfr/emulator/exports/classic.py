"""The classic export: `GET /<report id>?export=1&enc=UTF-8&xf=csv`, authenticated by the `sid` cookie alone.

Failures look as in Salesforce: mostly an HTML page with status 200.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

from sfr.emulator.analytics.run_plan import PlanError
from sfr.emulator.catalogue.reports import Report
from sfr.emulator.exports.csv_text import CsvForm
from sfr.emulator.exports.export_filters import with_export_filters
from sfr.emulator.exports.footers import footer
from sfr.emulator.http import pages
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response, redirect
from sfr.emulator.log_in.sessions import Session
from sfr.emulator.org import Org
from sfr.emulator.scenarios.scenario import EXPORT_REPORTS, RUN_REPORTS

_ENCODINGS = {
    "utf-8": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "shift_jis": "shift_jis",
    "ms932": "cp932",
    "euc-jp": "euc_jp",
    "utf-16": "utf-16-le",
    "gb2312": "gb2312",
    "big5": "big5",
}


def export(org: Org, request: Request, footer_variant: str | None = None) -> Response:
    """The export, or the page returned in its place. footer_variant: set by the scenario for this request."""
    url = org.base_url(request)
    if request.host.partition(":")[0].endswith(".lightning.force.com"):
        return redirect(f"{url}{request.target}")
    session = org.sessions.find(request.sid)
    if session is None or not session.opens_pages:
        return session_lost(org, request)
    report_id, _ = org.report_of(request)
    report = org.catalogue.find(report_id)
    if report is None:
        return html_response(pages.url_no_longer_exists(url), 404)
    if not report.visible or {RUN_REPORTS, EXPORT_REPORTS} & set(org.settings.missing_permissions):
        return html_response(pages.insufficient_privileges(url))
    if "export" not in request.query or report.format == "MultiBlock" or request.query.get("xf") in ("xls", "xlsx"):
        return html_response(pages.other(url, request.target))
    if org.settings.export_is_page:
        return html_response(pages.lightning(url))
    if _needs_step_up(session, org.settings.step_up):
        return redirect(f"{url}{pages.STEP_UP_PATH}?retURL={quote(request.target, safe='')}")
    return _data(org, request, report, footer_variant or org.settings.footer)


def session_lost(org: Org, request: Request) -> Response:
    """The page of a missing or expired session; every second time in the form sent by orgs with single sign-on."""
    report_id, _ = org.report_of(request)
    count = org.requests.count("export", report_id) if report_id else 1
    page = pages.session_lost(org.base_url(request), request.target, single_sign_on=count % 2 == 0)
    return html_response(page)


def export_form(request: Request) -> CsvForm:
    """Encoding and separator requested by the query; UTF-8 and comma by default."""
    encoding = _ENCODINGS.get(request.query.get("enc", "UTF-8").lower(), "utf-8")
    return CsvForm(encoding, ";" if request.query.get("xf") == "localecsv" else ",")


def _needs_step_up(session: Session, step_up: str) -> bool:
    if step_up == "never" or session.verified:
        return False
    return step_up == "always" or session.kind == "browser"


def _data(org: Org, request: Request, report: Report, variant: str) -> Response:
    form = export_form(request)
    settings = org.settings
    try:
        report = with_export_filters(report, request.query, settings.ignored)
    except PlanError:
        return html_response(pages.other(org.base_url(request), request.target))
    end = footer(variant, form, report.name, settings.user_name, settings.company, datetime.now(UTC))
    gzip_file = None
    if report.saved and report.shown is None and request.accepts_gzip:
        gzip_file = org.saved_exports.gzip_file(report, form, end, variant, settings.gzip_level)
    if org.usage.count_export(settings):
        org.sessions.end_all()
    headers = (
        ("Content-Type", f"text/csv; charset={request.query.get('enc') or 'UTF-8'}"),
        ("Content-Disposition", f"attachment; filename=report{time.time_ns() // 1_000_000:013d}.csv"),
        ("Cache-Control", "private"),
        ("X-Content-Type-Options", "nosniff"),
    )
    return Response(200, headers, partial(org.tiles.blocks, report, form), end, gzip_file)


def prepare_saved(org: Org, report: Report) -> None:
    """Compress the default export of a `saved` report, as its first request would."""
    form, settings = CsvForm(), org.settings
    end = footer(settings.footer, form, report.name, settings.user_name, settings.company, datetime.now(UTC))
    org.saved_exports.gzip_file(report, form, end, settings.footer, settings.gzip_level)
