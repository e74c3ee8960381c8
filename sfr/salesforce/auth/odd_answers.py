"""Classifies log-in responses that contain neither a session nor an error in the format of the protocol. Pure.

Empty bodies, maintenance pages and texts from gateways say nothing about the credentials and are temporary
(salesforce-facts.md §5); any other page means that the request went to the wrong place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.salesforce.hosts import host_of
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import classify_page, has_mark_of_salesforce, looks_like_page
from sfr.wording import shortened

if TYPE_CHECKING:
    from sfr.redaction import Redactor
    from sfr.salesforce.http.responses import FullResponse

CHECK_DOMAIN = "Check that `salesforce.domain` is the org's My Domain (https://….my.salesforce.com)."

#: Statuses that mean "later", not "no".
BUSY_STATUSES = frozenset({408, 420, 425, 429})
#: Statuses with which an empty body is temporary; others, such as 401 and 404, concern credentials or address.
_TRANSIENT_WHEN_EMPTY = frozenset({200, 202, 204, 400, 406, 409})
#: Phrases in pages and texts about temporary failures, in lower case.
TRANSIENT_WORDS = (
    "maintenance",
    "temporarily unavailable",
    "temporarily down",
    "service unavailable",
    "currently unavailable",
    "try again later",
    "try again in",
    "internal server error",
    "an internal error",
    "too many requests",
    "concurrent requests limit",
    "too busy",
    "bad gateway",
    "gateway time",
    "timed out",
    "time-out",
    "upstream connect error",
    "upstream request timeout",
    "no healthy upstream",
    "connection reset",
)
#: Pages with a specific reason of their own; no phrase in them makes them temporary.
_FINAL_PAGES = frozenset({ErrorKind.AUTH, ErrorKind.CHALLENGE, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND})
_UNSEEN = re.compile(r"<(script|style)\b.{0,100000}?</\1|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_JUDGED_CHARACTERS = 65_536


def is_busy(status: int) -> bool:
    """Whether the status alone means that the same request may succeed later."""
    return status >= 500 or status in BUSY_STATUSES


def odd_answer_error(answer: FullResponse, redactor: Redactor, expected: str) -> LogInError | ReportError:
    """The error for a response without a session and without a fault: ReportError if another attempt may help.

    expected: what should have been returned, such as `a token`.
    """
    host = host_of(answer.url)
    if is_busy(answer.status):
        return status_error(answer.status, answer.headers, answer.text)
    if not answer.body.strip():
        if answer.status in _TRANSIENT_WHEN_EMPTY:
            return _transient_error(
                answer, f"{host} responded to the log-in with status {answer.status} and an empty body."
            )
        return LogInError(f"{host} refused the log-in with status {answer.status} and no reason. {CHECK_DOMAIN}")
    if answer.status in _TRANSIENT_WHEN_EMPTY and _is_cut_json(answer.text):
        return _transient_error(
            answer, f"{host} responded to the log-in with status {answer.status} and JSON that was cut off."
        )
    is_page = looks_like_page(answer.body)
    page = classify_page(answer.body, url=answer.url) if is_page else None
    words = _visible_words(answer.text)
    if page is None or page.kind not in _FINAL_PAGES:
        if any(sign in words.lower() for sign in TRANSIENT_WORDS):
            quote = shortened(redactor.redact(words), 200).rstrip(".")
            return _transient_error(
                answer, f"{host} responded to the log-in with status {answer.status} and said: {quote}."
            )
        if page is not None and page.is_retryable:
            return page
    return LogInError(_unexpected(answer, redactor, expected, words, is_page=is_page))


def _unexpected(answer: FullResponse, redactor: Redactor, expected: str, words: str, *, is_page: bool) -> str:
    """The message about an unrecognized page or text, with a quotation.

    JSON and XML are not quoted: they may contain a token that the redactor does not know.
    """
    host = host_of(answer.url)
    is_quoted = words and (is_page or not answer.text.lstrip().startswith(("{", "[", "<")))
    quote = f": '{shortened(redactor.redact(words), 200).rstrip('.')}'" if is_quoted else ""
    what = (
        f"responded to the log-in with status {answer.status} and {'a web page' if is_page else 'unexpected content'}"
    )
    is_foreign = is_page and not has_mark_of_salesforce(answer.body, url=answer.url, headers=answer.headers)
    proxy = (
        f" It does not look like a page of Salesforce: look for a proxy, gateway or firewall in front of {host}."
        if is_foreign
        else ""
    )
    return f"{host} {what} instead of {expected}{quote}. {CHECK_DOMAIN}{proxy}"


def _is_cut_json(text: str) -> bool:
    """Whether the text begins like a JSON object but does not end like one."""
    return text.lstrip().startswith("{") and not text.rstrip().endswith("}")


def _visible_words(text: str) -> str:
    """The visible words of a page or plain text, on one line."""
    return " ".join(_UNSEEN.sub(" ", text[:_JUDGED_CHARACTERS]).split())


def _transient_error(answer: FullResponse, message: str) -> ReportError:
    return ReportError(ErrorKind.SERVER, message, http_status=answer.status, retry_after_s=requested_wait_s(answer))


def requested_wait_s(answer: FullResponse) -> float | None:
    """The seconds of the response's `Retry-After`; None if there is none."""
    return status_error(answer.status, answer.headers, "").retry_after_s
