"""The classic export under `route: auto`: with a browser session where the token is refused, and joined reports named.

Under `route: classic` it is the classic export and nothing more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sfr.connectors import classic
from sfr.connectors.exchange import Exchange, Received
from sfr.errors import ErrorKind, ReportError
from sfr.network.page_kinds import LightningError

if TYPE_CHECKING:
    from sfr.model import Report


def fetch(report: Report, exchange: Exchange) -> Received:
    """Receive the export of one report into `exchange.reception`.

    Raises `ReportError` like `classic.fetch`, and `invalid` for a joined report that Salesforce answers with a page.
    """
    if report.route != "auto":
        return classic.fetch(report, exchange)
    try:
        return _fetch_bridged(report, exchange)
    except ReportError as error:
        if error.kind is ErrorKind.NOT_CSV and not isinstance(error, LightningError):
            from sfr.connectors import analytics

            analytics.refuse_if_joined(report, exchange)
        raise


def _fetch_bridged(report: Report, exchange: Exchange) -> Received:
    frontdoor, original = exchange.frontdoor, exchange.session
    used = frontdoor.browser_session(original)
    try:
        received = classic.fetch(report, replace(exchange, session=used))
    except ReportError as error:
        if error.kind is not ErrorKind.AUTH or error.permanent or used is not original:
            raise
        bridged = frontdoor.open(original, exchange.transport, exchange.deadline)
        if bridged is None:
            raise
        return classic.fetch(report, replace(exchange, session=bridged))
    frontdoor.note_fit(original)
    return received
