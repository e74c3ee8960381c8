"""Connections whose reads are bounded by the deadlines of their exchange, and which another thread can close.

urllib3 applies one timeout to each `recv`, so a response that trickles in never times out, headers and chunk sizes
included. Here the socket itself is wrapped: before each `recv` the exchange determines how long it may take. Sockets
are wrapped through urllib3's public hooks (`ConnectionCls`, `pool_classes_by_scheme`) and http.client's public
`connect`, `getresponse` and `sock`, so proxies and `Connection: close` make no difference.

Not covered: `getaddrinfo`, which cannot be interrupted (bound it by `RES_OPTIONS=timeout:2 attempts:2` in the
environment), and connecting with its TLS handshake, which `connect_timeout_s` bounds for each address tried.
Import this module only where requests is needed: it loads urllib3.
"""

from __future__ import annotations

import http.client
import io
import ssl
import threading
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from sfr.salesforce.http.live_sockets import Exchange, shut

#: The buffer for headers and chunk sizes. Much smaller than a chunk of a body (`responses.CHUNK_BYTES`), so that most
#: of a body is received directly into its destination: with equal sizes every byte is copied once more.
READ_BUFFER_BYTES = 32_768
#: Before the final response. Servers send one or two.
MAX_INTERIM_RESPONSES = 100

#: The exchange of the current thread; connections are pooled, so each looks up the exchange that it serves now.
CURRENT_EXCHANGE: ContextVar[Exchange] = ContextVar("sfr_current_exchange")


class _WatchedReader(io.RawIOBase):
    """Reads one response from a socket."""

    def __init__(self, sock: Any, exchange: Exchange) -> None:
        super().__init__()
        self._sock = sock
        self._exchange = exchange
        # Keeps the socket open until the response has been read, even if the connection object closes it earlier
        # (`Connection: close`): a socket stays open while files made from it are.
        self._anchor = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._exchange.receive_into(self._sock, buffer)

    def close(self) -> None:
        if not self.closed:
            self._anchor.close()
        super().close()


class _ResponseStream(io.BufferedReader):
    """Requires a size for each read: a chunk with the size `-1` would read the rest of the connection into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise ValueError("a response has to be read in chunks of a known size")
        return super().read(size)


class WatchedSocket:
    """The part of a socket that http.client and urllib3 use, with deadlines applied to reads."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        """The stream that a response is read from, bound to the exchange of the current thread."""
        if mode != "rb":
            raise ValueError(f"a watched socket can be read as bytes only, not as {mode!r}")
        exchange = CURRENT_EXCHANGE.get()
        exchange.is_sent = True
        return _ResponseStream(_WatchedReader(self._sock, exchange), READ_BUFFER_BYTES)

    def sendall(self, data: Any) -> None:
        """Send all bytes within the timeout set last."""
        self._sock.sendall(data)

    def settimeout(self, timeout_s: float | None) -> None:
        """Set the timeout for sending; each read sets its own."""
        self._sock.settimeout(timeout_s)

    def shutdown(self, how: int) -> None:
        """Like a socket's."""
        self._sock.shutdown(how)

    def fileno(self) -> int:
        """Like a socket's; urllib3 polls it to check whether a pooled connection is still open."""
        return cast(int, self._sock.fileno())

    def close(self) -> None:
        """Close the socket as soon as no response is being read from it."""
        self._sock.close()


class _FinalResponse(http.client.HTTPResponse):
    """Skips interim responses. http.client skips `100 Continue` only: any other (103 Early Hints) would be taken for
    the response, and the response itself for that of the next request on the connection: one report's rows would be
    saved under another's name.
    """

    def begin(self) -> None:
        """Read status and headers, once more after each interim response (RFC 9110 §15.2)."""
        super().begin()
        interim_answers = 0
        while 100 <= self.status < 200:
            interim_answers += 1
            if interim_answers > MAX_INTERIM_RESPONSES:
                raise http.client.HTTPException(f"more than {MAX_INTERIM_RESPONSES} interim responses")
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.UnknownProtocol("101 Switching Protocols, which was not requested")
            self.headers = self.msg = cast(Any, None)
            super().begin()


def _watch(connection: HTTPConnection) -> None:
    exchange = CURRENT_EXCHANGE.get()
    exchange.live.add(connection.sock)
    connection.sock = cast(Any, WatchedSocket(connection.sock))


class _WatchedHTTPConnection(HTTPConnection):
    response_class = _FinalResponse

    def connect(self) -> None:
        super().connect()
        _watch(self)


class _WatchedHTTPSConnection(HTTPSConnection):
    response_class = _FinalResponse

    def connect(self) -> None:
        super().connect()
        _watch(self)

    def _tunnel(self) -> None:
        """Open a tunnel through a proxy, with an overall timeout: http.client's applies to each received byte."""
        CURRENT_EXCHANGE.get().live.add(self.sock)
        opened: list[http.client.HTTPResponse] = []

        def response(*args: Any, **kwargs: Any) -> http.client.HTTPResponse:
            opened.append(_FinalResponse(*args, **kwargs))
            return opened[-1]

        self.response_class = cast(Any, response)
        limit = threading.Timer(cast(float, self.timeout), shut, (self.sock,))
        limit.daemon = True
        limit.start()
        try:
            cast(Any, super())._tunnel()
        finally:
            limit.cancel()
            del self.response_class
            for each in opened:  # Python closes it itself from 3.11.5 on; until then the socket stays open
                each.close()


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


_POOLS = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}


class WatchedAdapter(HTTPAdapter):
    """requests' adapter with deadlines on reads, one TLS context for all connections, and no retries."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._context = context
        self._lock = threading.Lock()
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Use pools of watched connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Use watched connections for a proxy too; the certificate of an https proxy is verified like any other."""
        with self._lock:
            if proxy.lower().startswith("https:"):
                kwargs["proxy_ssl_context"] = self._context
            manager = super().proxy_manager_for(proxy, **kwargs)
            manager.pool_classes_by_scheme = _POOLS
            return manager

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """Add the TLS context; this is the documented hook for it."""
        host, _ = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"} if host["scheme"] == "https" else {}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the context verifies certificates, and requests would reload its bundle for each connection."""
