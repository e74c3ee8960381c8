"""Turns web pages and redirects, received in place of a report or JSON, into ReportErrors. Pure.

Salesforce reports many failures with status 200 and HTML: a lost session, a second factor, missing access, a busy
server; and a proxy may respond with pages of its own. `sfr.salesforce.page_reading` parses pages,
`sfr.salesforce.page_kinds` is the table of kinds. This module follows no redirects and does not deal with sessions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import urljoin, urlsplit

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.hosts import host_of, is_salesforce_origin, origin
from sfr.salesforce.page_kinds import (
    INTERSTITIALS,
    LOG_IN,
    LightningError,
    PageKind,
    kind_of,
    kind_of_address,
)
from sfr.salesforce.page_reading import Page, read_page, unescaped
from sfr.salesforce.page_signs import PageFacts, is_log_in_url, log_in_target
from sfr.salesforce.statuses import status_error
from sfr.wording import shortened

#: Longest quotation from a page's text in a message.
MAX_QUOTE_CHARS = 200
#: A phrase further into the text is quoted without the text before it.
MAX_LEAD_CHARS = 60
#: Addresses of one sort per page; a page that redirects has one or two.
MAX_ADDRESSES = 100
#: A page with less visible text is there to redirect the browser.
_MIN_TEXT = 200

_PAGE_STARTS = ("<!doctype", "<html", "<head", "<body", "<script", "<meta", "<title", "<!--")
_JS_ESCAPE = re.compile(r"\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})")

#: Texts in the source of Salesforce's pages but not in those of proxies. The org's own host name does not count: block
#: pages quote the address that they block.
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
_UNMARKED = " It does not look like a page of Salesforce: it may come from a proxy or gateway."
_OF_A_PROXY = "Look for a proxy, gateway or firewall in between, and allow this machine to reach {host} through it."


class MovedError(ReportError):
    """The org has moved to another Salesforce host name."""

    def __init__(self, new_domain: str) -> None:
        super().__init__(
            ErrorKind.NETWORK,
            f"The org has moved to {new_domain}.",
            remedy=f"Set `salesforce.domain` to {new_domain}.",
            permanent=True,
        )


def looks_like_page(beginning: bytes | str) -> bool:
    """Whether a body with this beginning is HTML; it may start with blank lines and a byte order mark."""
    if isinstance(beginning, bytes):
        start = beginning.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].decode("latin-1")
    else:
        start = beginning.removeprefix("\ufeff").lstrip()[:16]
    return start.lower().startswith(_PAGE_STARTS)


# Redirects


def classify_redirect(location: str, from_url: str) -> ReportError | None:
    """Why a redirect is not followed; None if it stays at its origin and does not lead to an interstitial page.

    The messages name hosts, never paths or parameters, which may contain secrets.
    """
    try:
        target = urljoin(from_url, location)
        target_origin = origin(target)
        kind = kind_of_address(target)
        is_log_in = is_log_in_url(target)
    except ValueError:
        return ReportError(
            ErrorKind.NETWORK,
            "Salesforce responded with a redirect to an invalid URL.",
            permanent=True,
        )
    if kind:
        return _error_of(kind, "Salesforce redirected to")
    if is_log_in:
        return _error_of(LOG_IN, f"Salesforce redirected to {shortened(host_of(target))}, to")
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
            f"The org returns the Lightning app: use `route: analytics`, and https://{name}.my.salesforce.com "
            "as `salesforce.domain`."
        )
    kind = LightningError if hint else ReportError
    return kind(
        ErrorKind.NETWORK,
        f"{from_origin} redirected to another host, {shortened(target_origin)}; the redirect was not followed, so as "
        "not to send the session to another server.",
        remedy=hint or "Check `salesforce.domain`, and whether a proxy or gateway responds instead of the org.",
        permanent=True,
    )


# Pages


def classify_page(html: bytes | str, *, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> ReportError:
    """The error for a web page received with a success status in place of a report or JSON.

    html: its beginning at least. url: its address, to resolve and compare redirects. headers: of the response; they may
    identify the server.
    """
    facts = _facts(html, url)
    kind = kind_of(facts)
    if kind is not None:
        return _of_kind(kind, facts, headers)
    mark = "" if _is_of_salesforce(facts, headers) else _UNMARKED
    return ReportError(
        ErrorKind.NOT_CSV,
        f"Salesforce returned a web page{_title_of(facts.page)} instead of what was requested"
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
    """The error for a web page received with any status.

    A page of a known kind takes precedence, but a transient status (5xx, 429, 408) stays transient, unless the page
    names a more specific transient failure or is an interstitial. by_status: the error by status alone; None: that of
    an export.
    """
    if 200 <= status < 300:
        error = classify_page(html, url=url, headers=headers)
        error.http_status = status
        return error
    by_status = by_status or status_error(status, headers, "")
    facts = _facts(html, url)
    is_of_salesforce = _is_of_salesforce(facts, headers)
    kind = kind_of(facts)
    if kind is not None and _overrides_status(kind, by_status, is_of_salesforce=is_of_salesforce):
        error = _of_kind(kind, facts, headers)
    else:
        error = _by_status(by_status, facts, is_of_salesforce=is_of_salesforce)
    error.http_status, error.retry_after_s = status, by_status.retry_after_s
    return error


def _overrides_status(kind: PageKind, by_status: ReportError, *, is_of_salesforce: bool) -> bool:
    """Whether the kind of a page takes precedence over its status."""
    if by_status.is_retryable or by_status.kind is ErrorKind.NETWORK:
        is_interstitial = kind.error in (ErrorKind.AUTH, ErrorKind.CHALLENGE) and kind.permanent
        return is_interstitial or kind.error in (ErrorKind.RATE_LIMITED, ErrorKind.TIMEOUT)
    return is_of_salesforce or kind.error not in (ErrorKind.FORBIDDEN, ErrorKind.NOT_FOUND)


def _by_status(by_status: ReportError, facts: PageFacts, *, is_of_salesforce: bool) -> ReportError:
    """The error by status, with a quotation from the page."""
    status, page, remedy, note = by_status.http_status, facts.page, by_status.remedy, ""
    subject = f"Salesforce responded with status {status} and a web page{_title_of(page)}"
    if not is_of_salesforce and (by_status.is_retryable or by_status.kind is ErrorKind.NETWORK):
        note = _UNMARKED
    elif not is_of_salesforce:
        subject = f"A web page{_title_of(page)} with status {status} seems to come from a proxy or gateway"
        remedy = _OF_A_PROXY.format(host=host_of(facts.url))
    message = f"{subject}{_quote(page)}.{note}"
    return ReportError(by_status.kind, message, remedy=remedy, permanent=by_status.permanent)


def _of_kind(kind: PageKind, facts: PageFacts, headers: Mapping[str, str]) -> ReportError:
    who = "Salesforce returned"
    if kind is LOG_IN and (host := host_of(log_in_target(facts))):
        who = f"Salesforce, redirecting to {shortened(host)}, returned"
    if kind.error in (ErrorKind.AUTH, ErrorKind.CHALLENGE) or kind.raises is LightningError:
        is_doubtful = kind in INTERSTITIALS and not (kind.is_led_to(facts) or _is_of_salesforce(facts, headers))
        return _error_of(kind, who, *((_quote(facts.page), _UNMARKED) if is_doubtful else ()))
    return _error_of(
        kind, who, _quote(facts.page, kind.phrase_in(facts)), ("" if _is_of_salesforce(facts, headers) else _UNMARKED)
    )


def _error_of(kind: PageKind, subject: str, quote: str = "", note: str = "") -> ReportError:
    message = f"{subject} {kind.what}{quote}.{note}"
    return kind.raises(kind.error, message, remedy=kind.remedy, permanent=kind.permanent)


def has_mark_of_salesforce(html: bytes | str, *, url: str, headers: Mapping[str, str] = _NO_HEADERS) -> bool:
    """Whether a page or its headers contain any mark of Salesforce, which pages of proxies do not."""
    return _is_of_salesforce(_facts(html, url), headers)


def _title_of(page: Page) -> str:
    return f" titled '{shortened(page.title)}'" if page.title else " without a title"


def _quote(page: Page, phrase: str = "") -> str:
    """A quotation from the page, starting at a phrase if it occurs: `: 'The policy …'`; empty without visible text."""
    text = page.prose if phrase in page.prose.lower() and page.prose else page.words or page.title
    start = text.lower().find(phrase)
    text = text[start if start > MAX_LEAD_CHARS else 0 :].rstrip(".")
    return f": '{shortened(text, MAX_QUOTE_CHARS)}'" if text and text != page.title else ""


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
    is_bare = not page.forms and len(page.words) < _MIN_TEXT
    return PageFacts(page, url, _absolute(leads, url), _absolute(page.addresses if is_bare else (), url))


def _absolute(addresses: Iterable[str], url: str) -> tuple[str, ...]:
    resolved = (_resolved(address, url) for address in list(dict.fromkeys(addresses))[:MAX_ADDRESSES])
    return tuple(address for address in resolved if address)


def _resolved(target: str, url: str) -> str | None:
    plain = _JS_ESCAPE.sub(lambda code: chr(int(code[1] or code[2], 16)), unescaped(target).replace("\\/", "/"))
    try:
        absolute = urljoin(url, plain)
        urlsplit(absolute)
    except ValueError:
        return None
    return absolute
