"""What Salesforce means by a web page, or a redirect, where a report or JSON was asked for. Pure.

Salesforce answers failures with status 200 and HTML: a lost session, a second factor, missing access. This module
tells them apart (salesforce-facts.md §1); it follows no redirect and knows nothing of sessions.
"""

from __future__ import annotations

import html as markup
import re
from urllib.parse import parse_qsl, urljoin, urlsplit

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.hosts import LOG_IN_HOSTS, host_of, is_loopback, is_salesforce_origin, origin
from sfr.wording import said, shown

#: Pages are judged by their beginning.
JUDGED_BYTES = 262_144

_PAGE_STARTS = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<meta", b"<title", b"<!--")

_CHALLENGE_PATH = "/_ui/identity/verification/"
#: A path component that begins with one of these words belongs to a log-in: `/login.jsp`, `/services/auth/sso/…`,
#: `/secur/login_portal.jsp`, `/saml/authn-request.jsp`, `/adfs/ls`, `/oauth2/v2.0/authorize`.
_LOG_IN_PATH = re.compile(
    r"/(log-?in(flow)?|sign-?in|sso|saml2?|adfs|idp|authorize)(?![a-z0-9-])|/secur/login", re.IGNORECASE
)
_LOGIN_PARAMETERS = frozenset({"ec", "starturl", "samlrequest"})

_SCRIPT_TARGET = re.compile(
    r"""(?:location\.replace|location\.assign|handleRedirect)\(\s{0,20}(["'])(.{1,4000}?)\1"""
    r"""|location(?:\.href)?\s{0,20}=\s{0,20}(["'])(.{1,4000}?)\3""",
    re.IGNORECASE,
)
_META_TARGET = re.compile(r"""<meta[^>]{0,200}http-equiv=["']?refresh[^>]{0,200}url=["']?([^"'>\s]+)""", re.IGNORECASE)
_FORM_ACTION = re.compile(r"""<form\b[^>]{0,2000}?\baction=["']?([^"'>\s]+)""", re.IGNORECASE)
_PASSWORD_FIELD = re.compile(r"""<input\b[^>]{0,2000}?\btype=["']?password""", re.IGNORECASE)
_TITLE = re.compile(r"<title[^>]{0,200}>(.{0,1000}?)</title", re.IGNORECASE | re.DOTALL)

_FORBIDDEN_TEXTS = ("insufficient privileges", "you do not have access", "you do not have the level of access")
_NOT_FOUND_TEXTS = ("url no longer exists", "data not available")
_CHALLENGE_TEXTS = ("verify your identity", "verificationstartui")
_LIGHTNING_MARKS = ("/one/one.app", "auraconfig", "aura.initasync", "auraframeworkjs", "/auraresources/", "aura_prod")


class MovedError(ReportError):
    """The org answers under another host name of Salesforce."""

    def __init__(self, new_domain: str) -> None:
        super().__init__(
            ErrorKind.NETWORK,
            f"The org answers under another name: {new_domain}.",
            remedy=f"Set `salesforce.domain` to {new_domain}.",
            permanent=True,
        )


class LightningError(ReportError):
    """The org, or this user, has no Salesforce Classic: its exports never answer, whoever asks how often."""


def looks_like_page(first_bytes: bytes) -> bool:
    """Whether a body that begins so is HTML; blank lines and a byte order mark may stand before it."""
    return first_bytes.removeprefix(b"\xef\xbb\xbf").lstrip()[:16].lower().startswith(_PAGE_STARTS)


def is_log_in_url(url: str) -> bool:
    """Whether an absolute URL leads to a log-in page, Salesforce's or an identity provider's."""
    parts = urlsplit(url)
    if (parts.hostname or "") in LOG_IN_HOSTS or _LOG_IN_PATH.search(parts.path):
        return True
    return any(name.lower() in _LOGIN_PARAMETERS for name, _ in parse_qsl(parts.query, keep_blank_values=True))


def classify_redirect(location: str, from_url: str) -> ReportError | None:
    """Why a redirect is not followed; None if it stays within scheme, host and port and leads to no log-in.

    The messages name hosts, never paths or parameters, which may hold secrets.
    """
    try:
        target = urljoin(from_url, location)
        target_origin = origin(target)
        is_log_in = is_log_in_url(target)
    except ValueError:
        return ReportError(
            ErrorKind.NETWORK,
            "Salesforce answered with a redirect to something that is no web address.",
            permanent=True,
        )
    if _CHALLENGE_PATH in urlsplit(target).path:
        return _challenge()
    if is_log_in:
        return _session_lost(f"redirected to a log-in page of {host_of(target)}")
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


def classify_page(html: bytes | str, *, url: str) -> ReportError:
    """What a web page says that came where a report or JSON was expected.

    html: its beginning at least. url: where it came from, to resolve and compare its redirects.
    """
    text = html[:JUDGED_BYTES].decode("utf-8", "replace") if isinstance(html, bytes) else html[:JUDGED_BYTES]
    lowered = text.lower()
    words = _visible_words(lowered)
    if any(phrase in words for phrase in _FORBIDDEN_TEXTS):
        return ReportError(ErrorKind.FORBIDDEN, "Salesforce answered with a page that says: insufficient privileges.")
    if any(phrase in words for phrase in _NOT_FOUND_TEXTS):
        return ReportError(ErrorKind.NOT_FOUND, "Salesforce answered with a page that says: no such address or record.")
    by_target = _by_script_target(text, url)
    if by_target:
        return by_target
    if _CHALLENGE_PATH in lowered or any(mark in lowered for mark in _CHALLENGE_TEXTS):
        return _challenge()
    title = _title_of(text)
    if _is_login_form(text, title, url):
        return _session_lost("answered with a log-in page")
    if any(mark in lowered for mark in _LIGHTNING_MARKS):
        return _lightning()
    called = f" called '{said(title)}'" if title else " without a title"
    return ReportError(
        ErrorKind.NOT_CSV, f"Salesforce answered with a web page{called} instead of the report.", permanent=True
    )


def _visible_words(lowered: str) -> str:
    """The words of a page in one line, scripts left out: those hold the wording of pages that are not shown."""
    before, *scripts = lowered.split("<script")
    shown_parts = [before, *(script.partition("</script")[2] for script in scripts)]
    return " ".join(re.sub(r"<[^>]{0,2000}>", " ", " ".join(shown_parts)).split())


def _title_of(text: str) -> str:
    title = _TITLE.search(text)
    return " ".join(markup.unescape(title.group(1)).split()) if title else ""


def _by_script_target(text: str, url: str) -> ReportError | None:
    """The page judged by where its script or meta element sends a browser; None if that tells nothing."""
    found = [match.group(2) or match.group(4) for match in _SCRIPT_TARGET.finditer(text)]
    found += _META_TARGET.findall(text)
    targets = [target for target in (_resolved(one, url) for one in found if one) if target]
    if any(_CHALLENGE_PATH in target for target in targets):
        return _challenge()
    log_in = next((target for target in targets if is_log_in_url(target)), None)
    if log_in:
        return _session_lost(f"answered with a page that leads to a log-in of {host_of(log_in)}")
    if any(host_of(target).endswith(".lightning.force.com") or "/one/one.app" in target for target in targets):
        return _lightning()
    elsewhere = next((target for target in targets if _is_foreign(target, url)), None)
    if elsewhere and "redirectonload" in text.lower():
        return _session_lost(f"answered with a page that leads to {host_of(elsewhere)}")
    return None


def _resolved(target: str, url: str) -> str | None:
    plain = markup.unescape(target).replace("\\/", "/")
    plain = re.sub(r"\\x([0-9a-fA-F]{2})|\\u00([0-9a-fA-F]{2})", lambda code: chr(int(code[1] or code[2], 16)), plain)
    try:
        absolute = urljoin(url, plain)
        urlsplit(absolute)
    except ValueError:
        return None
    return absolute


def _is_foreign(target: str, url: str) -> bool:
    host = host_of(target)
    if not host or host == host_of(url):
        return False
    return not (is_salesforce_origin(f"https://{host}") or is_loopback(host))


def _is_login_form(text: str, title: str, url: str) -> bool:
    if _PASSWORD_FIELD.search(text) or title.lower().startswith(("login", "log in")):
        return True
    actions = (_resolved(action, url) for action in _FORM_ACTION.findall(text))
    return any(action is not None and is_log_in_url(action) for action in actions)


def _session_lost(what: str) -> ReportError:
    return ReportError(
        ErrorKind.AUTH, f"Salesforce {shown(what, 200)}: the session is missing, expired or not valid here."
    )


def _challenge() -> ReportError:
    return ReportError(
        ErrorKind.CHALLENGE, "Salesforce answered with a page that asks a person to verify the log-in.", permanent=True
    )


def _lightning() -> ReportError:
    return LightningError(
        ErrorKind.NOT_CSV,
        "Salesforce answered with the Lightning app instead of an export: this org or user has no Salesforce Classic.",
        remedy="Use `route: analytics`, or give the user access to Salesforce Classic.",
        permanent=True,
    )
