"""Translates exceptions of requests, urllib3, http.client, ssl and the operating system into ReportErrors.

The texts of these exceptions are not quoted, since they contain URLs, header values and proxy responses; only the
operating system's short error text is. Import this module only where requests is needed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.http.live_sockets import Exchange, interruption
from sfr.salesforce.http.tls import explain_verification
from sfr.salesforce.proxies import proxy_name, tunnel_refusal
from sfr.wording import shown

#: Everything that a request may raise; anything else is a bug. UnicodeError and other ValueErrors: a URL or header
#: that cannot be sent.
LIBRARY_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

#: These mean `truncated`; any other broken connection is `network`.
_CUT = (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength)

PROXY_REMEDY = "Check `salesforce.proxy` (with `env`: HTTPS_PROXY), and that this machine can reach the proxy."
PROXY_FORM = "Most proxies need `http://HOST:PORT`, also for https addresses."


def translate(
    error: BaseException,
    exchange: Exchange,
    *,
    host: str,
    connect_timeout_s: float,
    proxy: str | None = None,
    has_none_by_environment: bool = False,
) -> ReportError:
    """The ReportError for an exception of a library or the operating system.

    host: the host that the request was for. proxy: the URL of the proxy used, if any. has_none_by_environment: whether
    the environment had to name one, and does not: a service's is often not the shell's.
    """
    if exchange.failure:
        return exchange.failure
    if exchange.live.is_aborted:
        return interruption()
    if exchange.pace.remaining_s() <= 0:
        return exchange.pace.timed_out()
    causes = list(_causes(error))
    named = None if proxy is None else f"proxy {proxy_name(proxy)}".rstrip()
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            message, remedy = explain_verification(cause, f"the {named}" if _is_of_proxy(causes) else host)
            return ReportError(ErrorKind.NETWORK, message, remedy=remedy, permanent=True)
    where = host if named is None else f"{host} through the {named}"
    if has_none_by_environment:
        where = f"{host} (without a proxy: see HTTPS_PROXY and NO_PROXY)"
    if exchange.has_headers:
        return _body_error(causes, exchange.pace.received_bytes)
    if exchange.is_sent:
        return _no_response(causes, where)
    if named is not None and (failed := _proxy_error(causes, host, named, connect_timeout_s)) is not None:
        return failed
    return _connect_error(causes, where, connect_timeout_s)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and its causes, outermost first: urllib3 keeps causes in four places."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _body_error(causes: list[BaseException], received_bytes: int) -> ReportError:
    so_far = f"after {received_bytes:,} bytes"
    if any(isinstance(cause, _CUT) for cause in causes):
        return ReportError(
            ErrorKind.TRUNCATED, f"The response ended {so_far}, short of its announced length or end marker."
        )
    return ReportError(ErrorKind.NETWORK, f"The connection broke {so_far}{_reason(causes)}.")


def _no_response(causes: list[BaseException], host: str) -> ReportError:
    if any(isinstance(cause, http.client.RemoteDisconnected) for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"{host} closed the connection without a response.")
    if any(isinstance(cause, OSError) and cause.errno for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"The connection to {host} broke before a response{_reason(causes)}.")
    return ReportError(ErrorKind.NETWORK, f"The response of {host} is not HTTP, or was cut off in its headers.")


def _is_of_proxy(causes: list[BaseException]) -> bool:
    """Whether the connection to the proxy itself failed, rather than one made through it."""
    return any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes)


def _proxy_error(causes: list[BaseException], host: str, proxy: str, connect_timeout_s: float) -> ReportError | None:
    """The error if the proxy is at fault; None if it opened a connection and that one failed."""
    refused = (tunnel_refusal(cause, proxy, host) for cause in causes)
    if (refusal := next(filter(None, refused), None)) is not None:
        return refusal
    words, remedy = _reason(causes), PROXY_REMEDY
    if any(
        isinstance(cause, requests.exceptions.InvalidSchema | requests.exceptions.InvalidProxyURL) for cause in causes
    ):
        message, remedy = f"The {proxy} cannot be used: its URL is wrong.", f"{PROXY_REMEDY} {PROXY_FORM}"
        return ReportError(ErrorKind.NETWORK, message, remedy=remedy, permanent=True)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        message = f"The host name of the {proxy} was not found{words}."
    elif any(isinstance(cause, http.client.BadStatusLine | http.client.LineTooLong) for cause in causes):
        message = f"The {proxy} did not respond like a proxy."
    elif not _is_of_proxy(causes):
        return None
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        message, remedy = f"The TLS connection to the {proxy} failed{words}.", f"{PROXY_REMEDY} {PROXY_FORM}"
    elif any(isinstance(cause, TimeoutError) for cause in causes):
        message = f"No connection to the {proxy} within {connect_timeout_s:g} s (`fetch.connect_timeout_s`)."
    else:
        message = f"The {proxy} cannot be reached{words}."
    return ReportError(ErrorKind.NETWORK, message, remedy=remedy)


def _connect_error(causes: list[BaseException], host: str, connect_timeout_s: float) -> ReportError:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"The host name of {host} was not found{_reason(causes)}.")
    # urllib3's NewConnectionError is a subclass of ConnectTimeoutError, whatever the cause.
    if any(isinstance(cause, TimeoutError) for cause in causes):
        limit = f"{connect_timeout_s:g} s (`fetch.connect_timeout_s`)"
        return ReportError(ErrorKind.NETWORK, f"No connection to {host} within {limit}.")
    if any(isinstance(cause, OSError) and cause.errno for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"No connection to {host}{_reason(causes)}.")
    return ReportError(
        ErrorKind.NETWORK,
        f"A request to {host} could not be sent: its URL, a header or the proxy is malformed.",
        remedy="Check `salesforce.domain`, `salesforce.proxy` and the report's parameters.",
        permanent=True,
    )


def _reason(causes: list[BaseException]) -> str:
    """The operating system's error text in parentheses, such as ` (Connection refused)`; empty without one."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return f" (TLS: {shown(cause.reason.replace('_', ' ').lower())})"
        if isinstance(cause, OSError) and cause.strerror:
            return f" ({shown(cause.strerror)})"
    return ""
