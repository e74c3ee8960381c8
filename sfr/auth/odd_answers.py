"""What an answer to a log-in means that holds neither a session nor a refusal in its protocol's own words. Pure.

Empty bodies, maintenance pages and gateways' texts say nothing about the credentials and pass (salesforce-facts.md §5);
a page of another kind means that the request went to the wrong place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, LogInError, ReportError
from sfr.network.instance_host import host_of
from sfr.network.statuses import status_error
from sfr.network.web_pages import bears_mark_of_salesforce, classify_page, looks_like_page
from sfr.wording import said

if TYPE_CHECKING:
    from sfr.network.answers import CompleteAnswer
    from sfr.redaction import Redactor

CHECK_DOMAIN = "Check that `salesforce.domain` is the org's My Domain (https://….my.salesforce.com)."

#: Statuses that say "later", not "no".
BUSY_STATUSES = frozenset({408, 420, 425, 429})
#: Statuses under which an empty body passes; others, such as 401 and 404, speak of credentials or address.
_PASSING_WHEN_EMPTY = frozenset({200, 202, 204, 400, 406, 409})
#: What pages and texts say that pass, in small letters.
PASSING_WORDS = (
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
#: Pages that name a reason of their own; no words in them make them pass.
_FINAL_PAGES = frozenset({ErrorKind.AUTH, ErrorKind.CHALLENGE, ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND})
_UNSEEN = re.compile(r"<(script|style)\b.{0,100000}?</\1|<[^>]{0,2000}>", re.IGNORECASE | re.DOTALL)
_JUDGED_CHARACTERS = 65_536


def is_busy(status: int) -> bool:
    """Whether the status alone says that the same request may succeed later."""
    return status >= 500 or status in BUSY_STATUSES


def odd_answer_error(answer: CompleteAnswer, redactor: Redactor, expected: str) -> LogInError | ReportError:
    """The error for an answer without a session and without a fault: ReportError where another attempt may help.

    expected: what should have come, such as `a token`.
    """
    host = host_of(answer.url)
    if is_busy(answer.status):
        return status_error(answer.status, answer.headers, answer.text)
    if not answer.body.strip():
        if answer.status in _PASSING_WHEN_EMPTY:
            return _passing(answer, f"{host} answered the log-in with status {answer.status} and an empty body.")
        return LogInError(f"{host} refused the log-in with status {answer.status} and no reason. {CHECK_DOMAIN}")
    if answer.status in _PASSING_WHEN_EMPTY and _is_cut_json(answer.text):
        return _passing(answer, f"{host} answered the log-in with status {answer.status} and JSON that was cut off.")
    is_page = looks_like_page(answer.body)
    page = classify_page(answer.body, url=answer.url) if is_page else None
    words = _visible_words(answer.text)
    if page is None or page.kind not in _FINAL_PAGES:
        if any(sign in words.lower() for sign in PASSING_WORDS):
            quote = said(redactor.redact(words), 200).rstrip(".")
            return _passing(answer, f"{host} answered the log-in with status {answer.status} and said: {quote}.")
        if page is not None and page.is_retryable:
            return page
    return LogInError(_unexpected(answer, redactor, expected, words, is_page=is_page))


def _unexpected(answer: CompleteAnswer, redactor: Redactor, expected: str, words: str, *, is_page: bool) -> str:
    """The message about a page or a text that means nothing in particular, which it quotes.

    JSON and XML are not quoted: they may hold a token that the redactor does not know.
    """
    host = host_of(answer.url)
    is_quoted = words and (is_page or not answer.text.lstrip().startswith(("{", "[", "<")))
    quote = f": '{said(redactor.redact(words), 200).rstrip('.')}'" if is_quoted else ""
    what = f"answered the log-in with status {answer.status} and {'a web page' if is_page else 'something else'}"
    is_foreign = is_page and not bears_mark_of_salesforce(answer.body, url=answer.url, headers=answer.headers)
    proxy = (
        f" The page bears no mark of Salesforce: look for a proxy, gateway or firewall on the way to {host}."
        if is_foreign
        else ""
    )
    return f"{host} {what} instead of {expected}{quote}. {CHECK_DOMAIN}{proxy}"


def _is_cut_json(text: str) -> bool:
    """Whether the text begins as a JSON object, and has no end."""
    return text.lstrip().startswith("{") and not text.rstrip().endswith("}")


def _visible_words(text: str) -> str:
    """The words of a page, or a plain text, in one line."""
    return " ".join(_UNSEEN.sub(" ", text[:_JUDGED_CHARACTERS]).split())


def _passing(answer: CompleteAnswer, message: str) -> ReportError:
    return ReportError(ErrorKind.SERVER, message, http_status=answer.status, retry_after_s=asked_wait_s(answer))


def asked_wait_s(answer: CompleteAnswer) -> float | None:
    """The seconds that the answer's `Retry-After` asks for; None where it has none."""
    return status_error(answer.status, answer.headers, "").retry_after_s
