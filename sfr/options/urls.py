"""Validates URLs in the configuration. Does not connect; errors never quote a URL."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_UNWANTED = re.compile(r"[^\x21-\x5b\x5d-\x7e]")


def is_loopback(host: str) -> bool:
    """Whether a host (a name, or an address with or without brackets) is this machine by definition."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_host(text: str) -> str:
    """A host name or an IP address, without port. Returns it; raises ValueError."""
    try:
        is_host = bool(HOST.fullmatch(text.lower())) or bool(ipaddress.ip_address(text))
    except ValueError:
        is_host = False
    if not is_host:
        raise ValueError("a host name or an IP address; the port has an option of its own")
    return text


def split_url(text: str, expected: str, schemes: tuple[str, ...]) -> SplitResult:
    """The parts of an absolute URL; otherwise raises ValueError that says what is expected.

    The host must be a name or an address, and the port valid.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        is_host = bool(HOST.fullmatch(host)) or bool(ipaddress.ip_address(host))
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
    """A proxy's URL, with optional username and password. Returns it; raises ValueError."""
    expected = "a URL such as `http://proxy.example.com:3128`, or `env` (SOCKS is not supported)"
    parts = split_url(text, expected, ("http", "https"))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(
            "a proxy URL of host and port only (write `/`, `?`, `#`, `@` in a password as %2F, %3F, %23, %40)"
        )
    return text


def check_notify_url(text: str) -> str:
    """A URL for notifications of how a run ended. Returns it; raises ValueError."""
    split_url(text, "a URL that starts with `https://` or `http://`", ("https", "http"))
    return text
