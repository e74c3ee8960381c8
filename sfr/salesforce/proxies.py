"""Names proxies in messages, and explains their refusals to open a tunnel. Pure.

A proxy's response is never quoted, since it may repeat `Proxy-Authorization`: a status is shown with its phrase from
RFC 9110.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from sfr.errors import ErrorKind, ReportError

#: The beginning of http.client's OSError for a refused CONNECT, followed by the status.
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")


@dataclass(frozen=True, slots=True)
class TunnelRefusal:
    """What a proxy's response to CONNECT means, and whether a retry can succeed."""

    what: str
    remedy: str
    permanent: bool


_NOT_ALLOWED = TunnelRefusal(
    "does not allow a connection to {host}", "Allow it in the proxy, or check `salesforce.domain`.", permanent=True
)
_NO_LOG_IN = TunnelRefusal(
    "rejected the user name or password for a connection to {host}",
    "Check the user name and password in `salesforce.proxy`; only Basic authentication is supported.",
    permanent=True,
)
_NO_TUNNELS = TunnelRefusal(
    "does not open a tunnel to {host}, so it may not be a proxy for https addresses",
    "Check the host and port in `salesforce.proxy`.",
    permanent=True,
)
_UNREACHABLE = TunnelRefusal(
    "cannot reach {host}", "Check `salesforce.domain`; the proxy has to resolve and reach that host.", permanent=False
)
_BUSY = TunnelRefusal("is too busy to open a connection to {host}", "Run again later.", permanent=False)
_FAILED = TunnelRefusal("failed to open a connection to {host}", "Contact whoever runs the proxy.", permanent=False)

TUNNEL_REFUSALS: dict[int, TunnelRefusal] = {
    401: _NO_LOG_IN,
    403: _NOT_ALLOWED,
    407: _NO_LOG_IN,
    408: _BUSY,
    425: _BUSY,
    429: _BUSY,
    451: _NOT_ALLOWED,
    501: _NO_TUNNELS,
    502: _UNREACHABLE,
    503: _UNREACHABLE,
    504: _UNREACHABLE,
}
"""By status; others are `_FAILED` from 500 on, and `_NO_TUNNELS` below."""


def proxy_name(url: str) -> str:
    """Host and port of a proxy's URL, without user name and password; empty if it is not a valid URL."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if host and port else host


def tunnel_refusal(error: BaseException, proxy: str, host: str) -> ReportError | None:
    """The error for a CONNECT refused by a proxy; None for any other exception.

    proxy: its name in messages, without an article. host: the target of the tunnel.
    """
    text = error.args[0] if isinstance(error, OSError) and error.args else ""
    refused = _REFUSED_TUNNEL.match(text) if isinstance(text, str) else None
    if refused is None:
        return None
    status = int(refused[1])
    refusal = TUNNEL_REFUSALS.get(status, _FAILED if status >= 500 else _NO_TUNNELS)
    what = refusal.what.format(host=host)
    return ReportError(
        ErrorKind.NETWORK,
        f"The {proxy} {what}: status {_phrase(status)}.",
        remedy=refusal.remedy,
        permanent=refusal.permanent,
    )


def _phrase(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
