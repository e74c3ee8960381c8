"""The classic export under `route: auto`: exchanges a rejected token for a browser session, and detects joined reports.

Under `route: classic` it is the plain classic export.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.late_imports import import_late
from sfr.salesforce.page_kinds import LightningError
from sfr.salesforce.routes import classic
from sfr.salesforce.routes.context import FetchContext

if TYPE_CHECKING:
    from sfr.model import Payload


def fetch(context: FetchContext) -> Payload:
    """Download the export of one report to `context.incoming`.

    Raises `ReportError` like `classic.fetch`, and `invalid` for a joined report, for which Salesforce returns a web
    page.
    """
    if context.report.filters:
        filtered: Payload = import_late("sfr.salesforce.routes.filtered_export").fetch(context)
        return filtered
    if context.report.route != "auto":
        return classic.fetch(context)
    try:
        return _fetch_bridged(context)
    except ReportError as error:
        if error.kind is ErrorKind.NOT_CSV and not isinstance(error, LightningError):
            import_late("sfr.salesforce.routes.analytics").refuse_if_joined(context)
        raise


def _fetch_bridged(context: FetchContext) -> Payload:
    frontdoor, original = context.frontdoor, context.session
    used = frontdoor.browser_session(original)
    try:
        payload = classic.fetch(replace(context, session=used))
    except ReportError as error:
        if error.kind is not ErrorKind.AUTH or error.permanent or used is not original:
            raise
        bridged = frontdoor.open(original, context.transport, context.deadline)
        if bridged is None:
            raise
        return classic.fetch(replace(context, session=bridged))
    frontdoor.mark_accepted(original)
    return payload
