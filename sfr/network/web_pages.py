"""What Salesforce means by a web page, or a redirect, where a report or JSON was asked for. Pure.

Salesforce answers failures with status 200 and HTML: a lost session, a second factor, missing access, a busy hour; and
a proxy on the way answers with pages of its own. This module is the one place that turns a page into an error:
`sfr.network.page_reading` reads it, `sfr.network.page_kinds` is the table of kinds. It follows no redirect and knows
nothing of sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from sfr.errors import ErrorKind, ReportError
from sfr.network.instance_host import host_of, is_salesforce_origin, origin
from sfr.network.page_kinds import (
    BARRIERS,
    LOG_IN,
    LightningError,
    PageKind,
    kind_of,
    kind_of_address,
)
from sfr.network.page_reading import Page, read_page, unescaped
from sfr.network.page_signs import PageFacts, is_log_in_url, log_in_target
from sfr.network.statuses import status_error
from sfr.wording import said

#: Longest part of a page's text that a message quotes.
LONGEST_QUOTE = 200
#: A phrase that stands further on is quoted without what stands before it.
LONGEST_LEAD = 60
#: Of one sort on a page; a page that leads elsewhere has one or two.
MOST_ADDRESSES = 100
#: A page that shows less is there to send a browser elsewhere.
_SHORTEST_TEXT = 200

_PAGE_STARTS = ("<!doctype", "<html", "<head", "<body", "<script", "<meta", "<title", "<!--")
_JS_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})")

#: What pages of Salesforce hold in their source, and those of proxies do not, the org's own name apart: block pages
#: quote the address that they block.
_SALESFORCE_MARKS = (
    "/jslibrary/",
    "/_ui/",
    "sfdc",
    "/secur/",
    ".apexp",
    "visualforce",
    "salesforce.com, inc",
    "salesforce, inc",
    "redirectonload",
    "insufficient privileges",
    "level of access necessary",
    "url no longer exists",
    "concurrent requests limit",
)
_SALESFORCE_TITLE = re.compile(r"salesforce( -|$)|.*[|~] salesforce( -|$)")
_SALESFORCE_HEADERS = ("sforce-", "x-sfdc-", "x-salesforce-")

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_UNMARKED = " It bears no mark of Salesforce: it may be the page of a proxy or gateway."
_OF_A_PROXY = "Look for a proxy, gateway or firewall on the way, and have it let this machine reach {host}."


class MovedError(ReportError):
    """The org answers under another host name of Salesforce."""

    def __init__(self, new_domain: str) -> None:
        super().__init__(
            ErrorKind.NETWORK,
            f"The org answers under another name: {new_domain}.",
            remedy=f"Set `salesforce.domain` to {new_domain}.",
            permanent=True,
        )


def looks_like_page(beginning: bytes | str) -> bool:
    """Whether a body that begins so is HTML; blank lines and a byte order mark may stand before it."""
    if isinstance(beginning, bytes):
        start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].decode("latin-1")
    else:
        start = beginning.removeprefix("\ufeff").lstrip()[:16]
    return start.lower().startswith(_PAGE_STARTS)


# Redirects


def classify_redirect(location: str, from_url: str) -> ReportError | None:
    """Why a redirect is not followed; None if it stays at the same origin and leads to no page before the org.

    The messages name hosts, never paths or parameters, which may hold secrets.
    """
    try:
        target = urljoin(from_url, location)
        target_origin = origin(target)
        kind = kind_of_address(target)
        is_log_in = is_log_in_url(target)
    except ValueError:
        return ReportError(
            ErrorKind.NETWORK,
            "Salesforce answered with a redirect to something that is no web address.",
            permanent=True,
        )
    if kind:
        return _error_of(kind, "Salesforce redirected to")
    if is_log_in:
        return _error_of(LOG_IN, f"Salesforce redirected, to {said(host_of(target))}, to")
    if target_origin == origin(from_url):
        return None
    return _foreign(target_origin, origin(from_url))


def _foreign(target_origin: str, from_origin: str) -> ReportError:
    if is_salesforce_origin(target_origin):
        return MovedError(target_origin)
    hint = None
    if target_origin.endswith(".lightning.force.com"):
        name = host_of(target_origin).removesuffix(".lightning.force.com")
        hint = (
            f"The org answers with the Lightning app: use `route: analytics`, and https://{name}.my.salesforce.com "
            "as `salesforce.domain`."
        )
    kind = LightningError if hint else ReportError
    return kind(
        ErrorKind.NETWORK,
        f"{from_origin} redirected to another host, {said(target_origin)}; that is not followed, for the session is "
        "for the org alone.",
        remedy=hint or "Check `salesforce.domain`, and whether a proxy or gateway answers in the org's place.",
        permanent=True,
    )


# Pages


def classify_page(html: bytes | str, *, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> ReportError:
    """What a web page says that came, with a status of success, where a report or JSON was expected.

    html: its beginning at least. url: where it came from, to resolve and compare its redirects. headers: of the
    answer, which may name who answered.
    """
    facts = _facts(html, url)
    kind = kind_of(facts)
    if kind is not None:
        return _of_kind(kind, facts, headers)
    mark = "" if _is_of_salesforce(facts, headers) else _UNMARKED
    return ReportError(
        ErrorKind.NOT_CSV,
        f"Salesforce answered with a web page{_called(facts.page)} instead of what was asked for"
        f"{_quote(facts.page)}.{mark}",
        remedy=_OF_A_PROXY.format(host=host_of(url)) if mark else None,
        permanent=True,
    )


def page_error(
    status: int,
    html: bytes | str,
    *,
    url: str,
    headers: Mapping[str, str] = _NO_HEADERS,
    by_status: ReportError | None = None,
) -> ReportError:
    """The error for an answer of any status whose body is a web page.

    The page's own meaning counts where it has one, but a status that passes by itself (5xx, 429, 408) stays one,
    unless the page says what kind of passing failure it is or names something that stands before the org. by_status:
    what the status alone means to whoever sent the request; None: what it means to an export.
    """
    if 200 <= status < 300:
        error = classify_page(html, url=url, headers=headers)
        error.http_status = status
        return error
    by_status = by_status or status_error(status, headers, "")
    facts = _facts(html, url)
    is_of_salesforce = _is_of_salesforce(facts, headers)
    kind = kind_of(facts)
    if kind is not None and _outweighs(kind, by_status, is_of_salesforce=is_of_salesforce):
        error = _of_kind(kind, facts, headers)
    else:
        error = _by_status(by_status, facts, is_of_salesforce=is_of_salesforce)
    error.http_status, error.retry_after_s = status, by_status.retry_after_s
    return error


def _outweighs(kind: PageKind, by_status: ReportError, *, is_of_salesforce: bool) -> bool:
    """Whether a page's own meaning counts more than the status that it came with."""
    if by_status.is_retryable or by_status.kind is ErrorKind.NETWORK:
        is_barrier = kind.error in (ErrorKind.AUTH, ErrorKind.CHALLENGE) and kind.permanent
        return is_barrier or kind.error in (ErrorKind.RATE_LIMITED, ErrorKind.TIMEOUT)
    return is_of_salesforce or kind.error not in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND)


def _by_status(by_status: ReportError, facts: PageFacts, *, is_of_salesforce: bool) -> ReportError:
    """What the status means, with the page's words."""
    status, page, remedy, note = by_status.http_status, facts.page, by_status.remedy, ""
    subject = f"Salesforce answered with status {status} and a web page{_called(page)}"
    if not is_of_salesforce and (by_status.is_retryable or by_status.kind is ErrorKind.NETWORK):
        note = _UNMARKED
    elif not is_of_salesforce:
        subject = f"What looks like the page of a proxy or gateway{_called(page)} came with status {status}"
        remedy = _OF_A_PROXY.format(host=host_of(facts.url))
    message = f"{subject}{_quote(page)}.{note}"
    return ReportError(by_status.kind, message, remedy=remedy, permanent=by_status.permanent)


def _of_kind(kind: PageKind, facts: PageFacts, headers: Mapping[str, str]) -> ReportError:
    who = "Salesforce answered with"
    if kind is LOG_IN and (host := host_of(log_in_target(facts))):
        who = f"Salesforce answered, leading to {said(host)}, with"
    if kind.error in (ErrorKind.AUTH, ErrorKind.CHALLENGE) or kind.raises is LightningError:
        is_doubtful = kind in BARRIERS and not (kind.is_led_to(facts) or _is_of_salesforce(facts, headers))
        return _error_of(kind, who, *((_quote(facts.page), _UNMARKED) if is_doubtful else ()))
    return _error_of(
        kind, who, _quote(facts.page, kind.phrase_in(facts)), ("" if _is_of_salesforce(facts, headers) else _UNMARKED)
    )


def _error_of(kind: PageKind, subject: str, quote: str = "", note: str = "") -> ReportError:
    message = f"{subject} {kind.what}{quote}.{note}"
    return kind.raises(kind.error, message, remedy=kind.remedy, permanent=kind.permanent)


def bears_mark_of_salesforce(html: bytes | str, *, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> bool:
    """Whether anything in a page or in its headers says that it is Salesforce's; those of proxies have nothing."""
    return _is_of_salesforce(_facts(html, url), headers)


def _called(page: Page) -> str:
    return f" called '{said(page.title)}'" if page.title else " without a title"


def _quote(page: Page, phrase: str = "") -> str:
    """What the page says, from a phrase on if it stands there: `: 'The policy …'`; nothing where it shows no text."""
    text = page.prose if phrase in page.prose.lower() and page.prose else page.words or page.title
    start = text.lower().find(phrase)
    text = text[start if start > LONGEST_LEAD else 0 :].rstrip(".")
    return f": '{said(text, LONGEST_QUOTE)}'" if text and text != page.title else ""


def _is_of_salesforce(facts: PageFacts, headers: Mapping[str, str]) -> bool:
    if any(name.lower().startswith(_SALESFORCE_HEADERS) for name in headers):
        return True
    if headers.get("Server", "").lower().startswith("sfdc") or "BrowserId=" in headers.get("Set-Cookie", ""):
        return True
    if _SALESFORCE_TITLE.match(facts.page.title.lower()):
        return True
    source = facts.page.source.replace(host_of(facts.url) or "\0", "")
    return any(mark in source for mark in _SALESFORCE_MARKS)


def _facts(html: bytes | str, url: str) -> PageFacts:
    page = read_page(html)
    leads = [*page.targets, *(form.action for form in page.forms if form.action)]
    is_bare = not page.forms and len(page.words) < _SHORTEST_TEXT
    return PageFacts(page, url, _absolute(leads, url), _absolute(page.addresses if is_bare else (), url))


def _absolute(addresses: Iterable[str], url: str) -> tuple[str, ...]:
    resolved = (_resolved(address, url) for address in list(dict.fromkeys(addresses))[:MOST_ADDRESSES])
    return tuple(address for address in resolved if address)


def _resolved(target: str, url: str) -> str | None:
    plain = _JS_ESCAPE.sub(lambda code: chr(int(code[1] or code[2], 16)), unescaped(target).replace("\\/", "/"))
    try:
        absolute = urljoin(url, plain)
        urlsplit(absolute)
    except ValueError:
        return None
    return absolute
