"""Checks URLs of the configuration: the org's domain, token URLs, proxies, notify URLs. Connects to nothing."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from sfr.config.org_settings import EMULATOR
from sfr.network.instance_host import LOG_IN_HOSTS, is_loopback
from sfr.network.org_hosts import own_host
from sfr.wording import quoted

_HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_UNWANTED = re.compile(r"[\x00-\x20\x7f-\U0010ffff\\]")
_MY_DOMAIN = ".my.salesforce.com"
_EXAMPLE = "`https://acme.my.salesforce.com`"


def split_url(text: str, expected: str, schemes: tuple[str, ...]) -> SplitResult:
    """The parts of an absolute URL; raises ValueError, saying what is expected, for anything else.

    The host is checked to be a name or an address, the port to be a port. No text of the URL is in the error.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_host = bool(_HOST.fullmatch(host)) or bool(ipaddress.ip_address(host))
    except ValueError:
        is_host = False
    if not is_host or _UNWANTED.search(text) or parts.scheme not in schemes:
        raise ValueError(expected)
    return parts


def check_secure_url(text: str) -> str:
    """A URL to which credentials are sent: https, or http on loopback. Returns it; raises ValueError."""
    parts = split_url(text, "a URL that starts with `https://`", ("https", "http"))
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ValueError("a URL that starts with `https://` (`http://` only for loopback hosts)")
    if "@" in parts.netloc:
        raise ValueError("a URL without user name and password")
    return text


def check_proxy_url(text: str) -> str:
    """A proxy's URL, with user name and password if it wants them. Returns it; raises ValueError."""
    expected = "a URL such as `http://proxy.example.com:3128`, or `env` (SOCKS is not supported)"
    parts = split_url(text, expected, ("http", "https"))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "a proxy URL of host and port only (write `/`, `?`, `#`, `@` in a password as %2F, %3F, %23, %40)"
        )
    return text


def check_notify_url(text: str) -> str:
    """A URL to be told how a run ended. Returns it; raises ValueError."""
    split_url(text, "a URL that starts with `https://` or `http://`", ("https", "http"))
    return text


def _suggest_domain(text: str) -> str:
    host = text.split("//")[-1].split("/")[0].lower()
    if "." in host and _HOST.fullmatch(host):
        return f" (did you mean `https://{host}`?)"
    if _HOST.fullmatch(host):
        return f" (did you mean `https://{host}{_MY_DOMAIN}`?)"
    return ""


def normalize_domain(text: str) -> tuple[str, str | None]:
    """`salesforce.domain` as requests need it (scheme, host, port if any; no slash at the end), and a warning or None.

    A host of Lightning or Setup pages is mapped to the org's own: it would answer exports with endless redirects
    (salesforce-facts.md §1). Raises ValueError, whose text says what is expected.
    """
    text = text.strip()
    if text == EMULATOR:
        return text, None
    expected = f"the org's My Domain, such as {_EXAMPLE}, or `{EMULATOR}`"
    parts = split_url(text, expected + _suggest_domain(text), ("https", "http"))
    host = parts.hostname or ""
    netloc = parts.netloc.lower()
    if "@" in netloc:
        raise ValueError(f"{expected}, without user name and password")
    if parts.path not in ("", "/") or "?" in text or "#" in text:
        raise ValueError(f"{expected}, without a path (did you mean `{parts.scheme}://{netloc}`?)")
    if parts.scheme == "http" and not is_loopback(host):
        raise ValueError(f"`https://` (`http://` only for loopback hosts) (did you mean `https://{netloc}`?)")
    own = own_host(host)
    if own is not None:
        mapped = f"https://{netloc.replace(host, own)}"
        pages = "Setup" if "setup" in host else "Lightning"
        return mapped, f"{quoted(text)} is the host of {pages} pages; `{mapped}` is used instead: write that"
    warning = None
    if host in LOG_IN_HOSTS:
        warning = f"{quoted(text)} is the log-in host of all orgs; write the org's own domain, such as {_EXAMPLE}"
    return f"{parts.scheme}://{netloc}", warning
