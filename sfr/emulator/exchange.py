"""Handles one request from its receipt to the end of its response: rules, route, concurrency limit, request log."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from email.utils import formatdate

from sfr.emulator.analytics.workbooks import wants_workbook
from sfr.emulator.exports.classic import export
from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.request import Request
from sfr.emulator.http.request_log import RequestRecord
from sfr.emulator.http.responses import Response, rest_error
from sfr.emulator.org import Org
from sfr.emulator.routes import Responder, find_route
from sfr.emulator.scenarios.effects import Effect, Scene
from sfr.emulator.scenarios.rules import Rule, Target
from sfr.emulator.usage import WorkbookPlace

#: Additional delay of a workbook while another one is sent, with `second_workbook: slow`.
SECOND_WORKBOOK_DELAY_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Exchange:
    """A request being handled: the response to send, and the slot to release afterwards."""

    org: Org
    record: RequestRecord
    response: Response
    delivery: Delivery
    holds_slot: bool
    workbook_place: WorkbookPlace | None = None

    def finish(self, *, status: int | None, sent_bytes: int, ended: bool) -> None:
        """Log the end of the response, complete or not."""
        if self.holds_slot:
            self.org.usage.release_slot()
        if self.workbook_place is not None:
            self.workbook_place.release()
        self.org.requests.finish(self.record.number, status=status, sent_bytes=sent_bytes, ended=ended)
        request = self.record.request
        shown = status if status is not None else "-"
        _log.info(
            "%s %s -> %s, %d bytes%s", request.method, request.path, shown, sent_bytes, "" if ended else ", cut off"
        )


def begin_exchange(org: Org, request: Request) -> Exchange:
    """Choose the response. Never raises: an exception in a route becomes a response with status 500."""
    name, responder = find_route(request)
    report_id, report_name = org.report_of(request)
    record = org.requests.begin(request, name, report_id)
    rule = org.rules.match(Target(request, name == "export", report_id, report_name))
    effect = rule.action.effect(Scene(request, org.base_url(request))) if rule else Effect()
    if effect.ends_sessions:
        org.sessions.end_all()
    delivery = _delayed(effect.delivery, org.settings.latency_s + (rule.delay_s if rule else 0))
    if effect.response is not None or delivery.opening != "answer":
        return Exchange(org, record, effect.response or Response(200, (), b""), delivery, holds_slot=False)
    is_limited = name == "export" or _is_report_run(request)
    holds_slot = is_limited and org.usage.acquire_slot(org.settings)
    if is_limited and not holds_slot:
        text = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
        return Exchange(org, record, rest_error(403, "REQUEST_LIMIT_EXCEEDED", text), delivery, holds_slot=False)
    if not (_is_report_run(request) and wants_workbook(request)):
        return Exchange(org, record, _respond(org, request, responder, rule), delivery, holds_slot)
    place = org.usage.acquire_workbook()
    if not place.is_only_one and org.settings.second_workbook == "refused":
        refusal = rest_error(403, "REQUEST_LIMIT_EXCEEDED", "Concurrent requests limit exceeded: another export runs.")
        return Exchange(org, record, refusal, delivery, holds_slot, place)
    if not place.is_only_one and org.settings.second_workbook == "slow":
        delivery = _delayed(delivery, SECOND_WORKBOOK_DELAY_S)
    response = _respond(org, request, responder, rule)
    sent = replace(response, body=lambda: place.during(response.pieces()))
    return Exchange(org, record, sent, delivery, holds_slot, place)


def _respond(org: Org, request: Request, responder: Responder, rule: Rule | None) -> Response:
    try:
        if responder is export:
            return export(org, request, rule.footer if rule else None)
        response = responder(org, request)
    except Exception:  # noqa: BLE001 - a bug in one route must not end the client's connection
        _log.exception("the emulator failed on %s %s", request.method, request.path)
        return rest_error(500, "UNKNOWN_EXCEPTION", "The emulator failed; its log says why.")
    if org.settings.clock_offset_s:
        return response.with_headers(("Date", formatdate(time.time() + org.settings.clock_offset_s, usegmt=True)))
    return response


def _is_report_run(request: Request) -> bool:
    return "/analytics/reports/" in request.path and not request.path.endswith("/describe")


def _delayed(delivery: Delivery, seconds: float) -> Delivery:
    return replace(delivery, delay_s=delivery.delay_s + seconds) if seconds else delivery
