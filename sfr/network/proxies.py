"""What a proxy is called in messages, and what its refusals to open a tunnel mean. Pure.

Nothing that a proxy says is quoted, for it may repeat `Proxy-Authorization`: a status comes with the phrase that RFC
9110 gives it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from sfr.errors import ErrorKind, ReportError

#: How http.client begins the text of the OSError that a refused CONNECT raises; the status follows.
_REFUSED_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})\b")


@dataclass(frozen=True, slots=True)
class TunnelRefusal:
    """What a proxy's answer to CONNECT means, and whether another attempt can help."""

    what: str
    remedy: str
    permanent: bool


_NOT_ALLOWED = TunnelRefusal(
    "does not allow a connection to {host}", "Have the proxy allow it, or check `salesforce.domain`.", permanent=True
)
_NO_LOG_IN = TunnelRefusal(
    "wants another user name or password for a connection to {host}",
    "Check the user name and password in `salesforce.proxy`; only Basic authentication is supported.",
    permanent=True,
)
_NO_TUNNELS = TunnelRefusal(
    "opens no tunnel to {host}, so it may be no proxy for https addresses",
    "Check host and port of `salesforce.proxy`.",
    permanent=True,
)
_UNREACHABLE = TunnelRefusal(
    "cannot reach {host}", "Check `salesforce.domain`; the proxy has to find and reach that host.", permanent=False
)
_BUSY = TunnelRefusal("is busy and opens no connection to {host}", "Run again later.", permanent=False)
_FAILED = TunnelRefusal("failed to open a connection to {host}", "Ask who runs the proxy.", permanent=False)

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
"""By status; any other is `_FAILED` from 500 on, and no proxy for tunnels below."""


def proxy_name(url: str) -> str:
    """Host and port of a proxy's URL, without its user name and password; empty if the URL is none."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if host and port else host


def tunnel_refusal(error: BaseException, proxy: str, host: str) -> ReportError | None:
    """The error for a CONNECT that a proxy refused; None for any other exception.

    proxy: as messages name it, without an article. host: where the tunnel was to lead.
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
