"""What an HTTP status means for a report, and what Salesforce says about it. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sfr.errors import ErrorKind, ReportError
from sfr.wording import said

#: Longest part of Salesforce's own message that is quoted.
LONGEST_QUOTE = 300

#: 401 texts that a new session does not mend (jsforce and the CLI do not renew on them either).
UNMENDABLE_401 = (
    "This session is not valid for use with the REST API",
    "Connected app is not attached to Agent",
)

_SECONDS = re.compile(r"[+-]?\d{1,12}(\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class Fault:
    """What Salesforce says in JSON: `errorCode` or `error`, and the message, which may be empty."""

    code: str
    message: str

    def __str__(self) -> str:
        return said(": ".join(part for part in (self.code, self.message) if part), LONGEST_QUOTE)


def salesforce_fault(body_text: str) -> Fault | None:
    """The fault in a JSON answer: an array of objects (REST) or an object (OAuth); None if it is neither."""
    try:
        answer = json.loads(body_text)
    except (ValueError, RecursionError):
        return None
    if isinstance(answer, list):
        answer = answer[0] if answer else None
    if not isinstance(answer, dict):
        return None
    code = _text_of(answer, "errorCode", "error")
    message = _text_of(answer, "message", "error_description")
    return Fault(code, message) if code or message else None


def _text_of(answer: Mapping[str, object], *keys: str) -> str:
    return next((value for key in keys if isinstance(value := answer.get(key), str)), "")


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` header asks for, given as a number or an HTTP date; None if it is neither.

    A past date or negative number is 0. RFC 9110 §10.2.3.
    """
    text = (value or "").strip()
    if _SECONDS.fullmatch(text):
        return max(0.0, float(text))
    moment = _moment(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment(text: str) -> datetime | None:
    """An HTTP date; None if it is none."""
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def status_error(
    status: int, headers: Mapping[str, str], body_text: str, *, now: datetime | None = None
) -> ReportError:
    """The error for any answer but a success.

    headers: case-insensitive; a date to come back at counts from the answer's own date, whatever this machine's clock
    says. body_text: the beginning of the body; only JSON in it is used (see `sfr.salesforce.web_pages` for HTML).
    """
    fault = salesforce_fault(body_text)
    kind, permanent = _kind_of(status, fault)
    reason = f" and said: {fault}" if fault else ""
    remedy = _remedy_of(status, fault)
    return ReportError(
        kind,
        f"Salesforce answered with status {status}{reason}{'' if reason.endswith('.') else '.'}",
        remedy=remedy,
        http_status=status,
        retry_after_s=retry_after_s(
            headers.get("Retry-After"), now or _moment(headers.get("Date", "")) or datetime.now(UTC)
        ),
        permanent=permanent,
    )


_KINDS: dict[int, tuple[ErrorKind, bool]] = {
    401: (ErrorKind.AUTH, False),
    403: (ErrorKind.FORBIDDEN, True),
    404: (ErrorKind.NOT_FOUND, True),
    407: (ErrorKind.NETWORK, True),
    408: (ErrorKind.TIMEOUT, False),
    410: (ErrorKind.NOT_FOUND, True),
    420: (ErrorKind.SERVER, False),
    425: (ErrorKind.SERVER, False),
    429: (ErrorKind.RATE_LIMITED, False),
}


def _kind_of(status: int, fault: Fault | None) -> tuple[ErrorKind, bool]:
    if status == 401 and fault and any(text in fault.message for text in UNMENDABLE_401):
        return ErrorKind.AUTH, True
    if status == 403 and fault and fault.code == "REQUEST_LIMIT_EXCEEDED":
        return ErrorKind.RATE_LIMITED, False
    if status >= 500:
        return ErrorKind.SERVER, False
    return _KINDS.get(status, (ErrorKind.NOT_CSV, True))


def _remedy_of(status: int, fault: Fault | None) -> str | None:
    if status == 407:
        return "Check `salesforce.proxy`, its user name and password."
    if status == 420:
        return "The org has expired, or cannot be reached at the moment: check its state with Salesforce."
    if fault and fault.code in ("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED"):
        return "Give the user the permission `API Enabled`; some editions of Salesforce have no API at all."
    return None
