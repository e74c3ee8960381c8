"""The border where exceptions of requests, urllib3, http.client, ssl and the operating system become ReportErrors.

Foreign texts are not quoted, for they hold URLs, header values and what proxies say; the few words of the system's own
error are.
Import this module only where requests is wanted.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Iterator

import requests
import urllib3.exceptions

from sfr.errors import ErrorKind, ReportError
from sfr.network.exchange import Exchange, interruption
from sfr.network.proxies import proxy_name, tunnel_refusal
from sfr.network.tls import explain_verification
from sfr.wording import shown

#: Everything that a request may raise; anything else is a bug. UnicodeError and other ValueErrors: a URL or header
#: that cannot be sent.
FOREIGN_ERRORS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)

#: An answer that breaks off so is `truncated`; any other break of a connection is `network`.
_CUT = (http.client.IncompleteRead, urllib3.exceptions.IncompleteRead, urllib3.exceptions.InvalidChunkLength)

PROXY_REMEDY = "Check `salesforce.proxy` (with `env`: HTTPS_PROXY), and that this machine reaches the proxy."
PROXY_FORM = "Most proxies want `http://HOST:PORT`, also for https addresses."


def translate(
    error: BaseException, exchange: Exchange, *, host: str, connect_timeout_s: float, proxy: str | None = None
) -> ReportError:
    """What a foreign exception means for the report.

    host: whom the request is for. proxy: the URL of the proxy that it takes, None where it takes none.
    """
    if exchange.failure:
        return exchange.failure
    if exchange.live.is_aborted:
        return interruption()
    if exchange.pace.remaining_s() <= 0:
        return exchange.pace.too_long()
    causes = list(_causes(error))
    named = None if proxy is None else f"proxy {proxy_name(proxy)}".rstrip()
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            message, remedy = explain_verification(cause, f"the {named}" if _is_of_proxy(causes) else host)
            return ReportError(ErrorKind.NETWORK, message, remedy=remedy, permanent=True)
    where = host if named is None else f"{host} through the {named}"
    if exchange.has_headers:
        return _broken_body(causes, exchange.pace.received_bytes)
    if exchange.is_sent:
        return _no_answer(causes, where)
    if named is not None and (failed := _no_proxy(causes, host, named, connect_timeout_s)) is not None:
        return failed
    return _no_connection(causes, where, connect_timeout_s)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The exception and everything it was made from, outermost first: urllib3 keeps causes in four places."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _broken_body(causes: list[BaseException], received_bytes: int) -> ReportError:
    so_far = f"after {received_bytes:,} bytes"
    if any(isinstance(cause, _CUT) for cause in causes):
        return ReportError(ErrorKind.TRUNCATED, f"The answer ended {so_far}, before the end that it had announced.")
    return ReportError(ErrorKind.NETWORK, f"The connection broke {so_far}{_words_of(causes)}.")


def _no_answer(causes: list[BaseException], host: str) -> ReportError:
    if any(isinstance(cause, http.client.RemoteDisconnected) for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"{host} closed the connection without an answer.")
    if any(isinstance(cause, OSError) and cause.errno for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"The connection to {host} broke before an answer{_words_of(causes)}.")
    return ReportError(ErrorKind.NETWORK, f"What {host} answered is not HTTP, or broke off in its headers.")


def _is_of_proxy(causes: list[BaseException]) -> bool:
    """Whether the connection to the proxy itself failed, not one that leads through it."""
    return any(isinstance(cause, urllib3.exceptions.ProxyError) for cause in causes)


def _no_proxy(causes: list[BaseException], host: str, proxy: str, connect_timeout_s: float) -> ReportError | None:
    """What is wrong with the proxy; None where it opened a connection, and that failed."""
    refused = (tunnel_refusal(cause, proxy, host) for cause in causes)
    if (refusal := next(filter(None, refused), None)) is not None:
        return refusal
    words, remedy = _words_of(causes), PROXY_REMEDY
    if any(
        isinstance(cause, requests.exceptions.InvalidSchema | requests.exceptions.InvalidProxyURL) for cause in causes
    ):
        message, remedy = f"The {proxy} cannot be used: its URL is wrong.", f"{PROXY_REMEDY} {PROXY_FORM}"
        return ReportError(ErrorKind.NETWORK, message, remedy=remedy, permanent=True)
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        message = f"The host name of the {proxy} was not found{words}."
    elif any(isinstance(cause, http.client.BadStatusLine | http.client.LineTooLong) for cause in causes):
        message = f"The {proxy} did not answer as a proxy does."
    elif not _is_of_proxy(causes):
        return None
    elif any(isinstance(cause, ssl.SSLError) for cause in causes):
        message, remedy = f"The {proxy} cannot be reached by TLS{words}.", f"{PROXY_REMEDY} {PROXY_FORM}"
    elif any(isinstance(cause, TimeoutError) for cause in causes):
        message = f"No connection to the {proxy} within {connect_timeout_s:g} s (`fetch.connect_timeout_s`)."
    else:
        message = f"The {proxy} cannot be reached{words}."
    return ReportError(ErrorKind.NETWORK, message, remedy=remedy)


def _no_connection(causes: list[BaseException], host: str, connect_timeout_s: float) -> ReportError:
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"The host name of {host} was not found{_words_of(causes)}.")
    # urllib3's NewConnectionError is a ConnectTimeoutError too, whatever the cause.
    if any(isinstance(cause, TimeoutError) for cause in causes):
        limit = f"{connect_timeout_s:g} s (`fetch.connect_timeout_s`)"
        return ReportError(ErrorKind.NETWORK, f"No connection to {host} within {limit}.")
    if any(isinstance(cause, OSError) and cause.errno for cause in causes):
        return ReportError(ErrorKind.NETWORK, f"No connection to {host}{_words_of(causes)}.")
    return ReportError(
        ErrorKind.NETWORK,
        f"A request to {host} could not be sent: its URL, a header or the proxy is malformed.",
        remedy="Check `salesforce.domain`, `salesforce.proxy` and the report's parameters.",
        permanent=True,
    )


def _words_of(causes: list[BaseException]) -> str:
    """The system's own words for what happened, such as ` (Connection refused)`; nothing if it has none."""
    for cause in reversed(causes):
        if isinstance(cause, ssl.SSLError) and cause.reason:
            return f" (TLS: {shown(cause.reason.replace('_', ' ').lower())})"
        if isinstance(cause, OSError) and cause.strerror:
            return f" ({shown(cause.strerror)})"
    return ""
