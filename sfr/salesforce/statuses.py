"""Turns error responses into ReportErrors, by their error code, text or HTTP status. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sfr.errors import REMEDIES, ErrorKind, ReportError
from sfr.salesforce.fault_codes import rule_for
from sfr.salesforce.fault_rules import ANALYTICS, FaultRule, Subject, default_remedy
from sfr.wording import shortened

#: Longest quotation from Salesforce's own message.
MAX_QUOTE_CHARS = 300

#: Longest quotation from a plain text.
MAX_PLAIN_QUOTE_CHARS = 200
_OF_A_GATEWAY = (
    "Look for a proxy, gateway or firewall that returns this text, and allow this machine through it; if there is none:"
)
_UNMARKED = "Such text may come from a proxy or gateway."

#: How much of a response that is not JSON is searched for known texts.
MAX_TEXT_CHARS = 2_000

_SECONDS = re.compile(r"[+-]?\d{1,12}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in a JSON response: `errorCode`, `error` or `exceptionCode`, and the message, which may be empty."""

    code: str
    message: str

    def __str__(self) -> str:
        return shortened(": ".join(part for part in (self.code, self.message) if part), MAX_QUOTE_CHARS)


def salesforce_fault(body_text: str) -> Fault | None:
    """The fault in a JSON response: an array of objects (REST) or an object (OAuth); None if it is neither."""
    try:
        response = json.loads(body_text)
    except (ValueError, RecursionError):
        return None
    if isinstance(response, list):
        response = response[0] if response else None
    if not isinstance(response, dict):
        return None
    code = _text_of(response, "errorCode", "error", "exceptionCode")
    message = _text_of(response, "message", "error_description", "exceptionMessage")
    return Fault(code, message) if code or message else None


def _text_of(response: Mapping[str, object], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := response.get(key), str)), "")


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """The wait requested by a `Retry-After` header, a number or an HTTP date; None if it is neither.

    A past date or negative number is 0. RFC 9110 §10.2.3.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return max(0.0, float(text))
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    """Parse an HTTP date; None if it is not one."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def status_error(
    status: int,
    headers: Mapping[str, str],
    body_text: str,
    *,
    now: datetime | None = None,
    subject: Subject = Subject.EXPORT,
) -> ReportError:
    """The error for an unsuccessful response, by its error code or text, else by its status.

    headers: case-insensitive; a date in `Retry-After` is relative to the response's own `Date`, whatever this machine's
    clock says. body_text: the beginning of the body, JSON or plain text (see `sfr.salesforce.web_pages` for HTML);
    plain text of an export's response counts if the status alone is permanent. subject: what the request concerned.
    """
    fault = salesforce_fault(body_text)
    text = "" if fault else _plain_text(body_text)
    rule = _rule_of(status, fault, body_text, subject)
    if rule is not None:
        kind, is_final, remedy = rule.kind, not rule.is_transient, rule.remedy_for(subject)
    else:
        kind, is_final = _kind_of(status, body_text, subject)
        remedy = default_remedy(kind, subject) or _REMEDIES.get(status)
        if text and kind in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND):
            remedy = f"{_OF_A_GATEWAY} {remedy or REMEDIES[kind]}"
    make = rule.error if rule is not None else ReportError
    return make(
        kind,
        _sentence(status, fault, rule, kind, text),
        remedy=remedy,
        http_status=status,
        retry_after_s=retry_after_s(
            headers.get("Retry-After"), now or _moment(headers.get("Date", "")) or datetime.now(UTC)
        ),
        permanent=is_final,
    )


def _rule_of(status: int, fault: Fault | None, body_text: str, subject: Subject) -> FaultRule | None:
    if fault is not None:
        return rule_for(fault.code, fault.message, subject)
    if subject is Subject.EXPORT and not (_plain_text(body_text) and _kind_of(status, body_text, subject)[1]):
        return None
    rule = rule_for("", body_text[:MAX_TEXT_CHARS], subject)
    # A gateway's page may contain any text; a transient error costs no more than a retry.
    return rule if rule is not None and rule.is_transient else None


def _plain_text(body_text: str) -> str:
    """The body's text on one line; empty for pages, for JSON without a fault and for binary data."""
    text = " ".join(body_text[:MAX_TEXT_CHARS].split())
    return "" if text.startswith(("<", "{", "[")) or not text.isprintable() else shortened(text, MAX_PLAIN_QUOTE_CHARS)


def _sentence(status: int, fault: Fault | None, rule: FaultRule | None, kind: ErrorKind, text: str) -> str:
    what = f"Salesforce responded with status {status}"
    if rule is not None and rule.lead:
        what = f"{rule.lead}. {what}"
    elif kind is ErrorKind.INVALID and fault is not None:
        return f"Salesforce refused the request: {str(fault).rstrip('.')}."
    if text:
        return f"{what} and said: '{text.rstrip('.')}'. {_UNMARKED}"
    sentence = f"{what} and said: {fault}" if fault else what
    return sentence if fault and sentence.endswith(".") else f"{sentence}."


_KINDS: dict[int, tuple[ErrorKind, bool]] = {
    401: (ErrorKind.AUTH, False),
    403: (ErrorKind.FORBIDDEN, True),
    404: (ErrorKind.NOT_FOUND, True),
    406: (ErrorKind.SERVER, False),
    407: (ErrorKind.NETWORK, True),
    408: (ErrorKind.TIMEOUT, False),
    410: (ErrorKind.NOT_FOUND, True),
    420: (ErrorKind.SERVER, False),
    425: (ErrorKind.SERVER, False),
    429: (ErrorKind.RATE_LIMITED, False),
    501: (ErrorKind.SERVER, True),
}

_REMEDIES = {
    407: "Check `salesforce.proxy`, its user name and password.",
    420: "The org has expired or is temporarily unreachable: check its state with Salesforce.",
    501: "The server does not support this request: look for a proxy or gateway in between, or use another `route`.",
}


def _kind_of(status: int, body_text: str, subject: Subject) -> tuple[ErrorKind, bool]:
    """The kind of error by status alone, and whether it is permanent.

    Requests for the results of a finished job occasionally fail with 400, 404 or 406, and succeed when retried.
    """
    if subject.is_accepted and status in (400, 404, 409):
        return ErrorKind.SERVER, False
    if status == 400 and subject is not Subject.EXPORT:
        return (ErrorKind.INVALID, True) if body_text.strip() else (ErrorKind.SERVER, False)
    if status == 501 and subject in ANALYTICS:
        return ErrorKind.INVALID, True
    return _KINDS.get(status) or ((ErrorKind.SERVER, False) if status >= 500 else (ErrorKind.NOT_CSV, True))
