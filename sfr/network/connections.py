"""Connections whose every read obeys the exchange it belongs to, and which another thread can cut.

urllib3 applies one timeout to each `recv`, so an answer that drips lives for ever, in its headers and chunk sizes too.
Here the socket itself is watched: before each `recv` the exchange says how long it may take. Sockets are reached by
urllib3's public hooks (`ConnectionCls`, `pool_classes_by_scheme`) and http.client's public `connect`, `getresponse`
and `sock`, so proxies and `Connection: close` make no difference.

Not watched: `getaddrinfo`, which nothing can interrupt (bound it by `RES_OPTIONS=timeout:2 attempts:2` in the
environment), and connecting with its TLS handshake, which `connect_timeout_s` bounds for each address tried.
Import this module only where requests is wanted: it loads urllib3.
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

from sfr.network.exchange import Exchange, shut

#: What headers and chunk sizes are read from. Much smaller than a piece of a body (`answers.CHUNK_BYTES`), so that the
#: kernel writes most of a body where it belongs: with both alike every byte is copied once more.
READ_BUFFER_BYTES = 32_768
#: Before an answer. Servers send one or two.
MOST_INTERIM_ANSWERS = 100

#: The exchange that this thread is in; connections are pooled, so each asks whose it is now.
CURRENT_EXCHANGE: ContextVar[Exchange] = ContextVar("sfr_current_exchange")


class _WatchedReader(io.RawIOBase):
    """The readable end of a socket, for one answer."""

    def __init__(self, sock: Any, exchange: Exchange) -> None:
        super().__init__()
        self._sock = sock
        self._exchange = exchange
        # Keeps the socket open until the answer is read, even if the connection object lets go of it before
        # (`Connection: close`): sockets count the files made of them.
        self._anchor = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._exchange.receive_into(self._sock, buffer)

    def close(self) -> None:
        if not self.closed:
            self._anchor.close()
        super().close()


class _AnswerStream(io.BufferedReader):
    """Reads in pieces only: a chunk that calls its size `-1` would bring the rest of the connection into memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:
            raise ValueError("an answer is read in pieces of a known size")
        return super().read(size)


class WatchedSocket:
    """What http.client and urllib3 use of a socket, reads being watched."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str, *_: Any) -> io.BufferedReader:
        """The stream an answer is read from; belongs to the exchange this thread is in now."""
        if mode != "rb":
            raise ValueError(f"a watched socket is read as bytes, not as {mode!r}")
        exchange = CURRENT_EXCHANGE.get()
        exchange.is_sent = True
        return _AnswerStream(_WatchedReader(self._sock, exchange), READ_BUFFER_BYTES)

    def sendall(self, data: Any) -> None:
        """Sends all, within the timeout set last."""
        self._sock.sendall(data)

    def settimeout(self, timeout_s: float | None) -> None:
        """Counts for sending only: each read sets its own."""
        self._sock.settimeout(timeout_s)

    def shutdown(self, how: int) -> None:
        """As a socket's."""
        self._sock.shutdown(how)

    def fileno(self) -> int:
        """As a socket's; urllib3 polls it to see whether a pooled connection still stands."""
        return cast(int, self._sock.fileno())

    def close(self) -> None:
        """Closes the socket once no answer is being read from it."""
        self._sock.close()


class _FinalResponse(http.client.HTTPResponse):
    """http.client skips `100 Continue` only. Any other interim answer (103 Early Hints) would pass for the answer, and
    the answer itself for that of the connection's next request: one report's rows under another's name.
    """

    def begin(self) -> None:
        """Read status and headers, once more after each interim answer (RFC 9110 §15.2)."""
        super().begin()
        interim_answers = 0
        while 100 <= self.status < 200:
            interim_answers += 1
            if interim_answers > MOST_INTERIM_ANSWERS:
                raise http.client.HTTPException(f"more than {MOST_INTERIM_ANSWERS} interim answers")
            if self.status == HTTPStatus.SWITCHING_PROTOCOLS:
                raise http.client.UnknownProtocol("101 Switching Protocols, which was not asked for")
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
        """Asks a proxy for a tunnel. Each byte of its answer has a timeout of its own, so the whole gets one too."""
        CURRENT_EXCHANGE.get().live.add(self.sock)
        limit = threading.Timer(cast(float, self.timeout), shut, (self.sock,))
        limit.daemon = True
        limit.start()
        try:
            cast(Any, super())._tunnel()
        finally:
            limit.cancel()


class _WatchedHTTPPool(HTTPConnectionPool):
    ConnectionCls = _WatchedHTTPConnection


class _WatchedHTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedHTTPSConnection


_POOLS = {"http": _WatchedHTTPPool, "https": _WatchedHTTPSPool}


class WatchedAdapter(HTTPAdapter):
    """requests' adapter with watched connections, one TLS context for all of them, and no retries of its own."""

    def __init__(self, context: ssl.SSLContext, connections: int) -> None:
        self._context = context
        self._lock = threading.Lock()
        super().__init__(pool_maxsize=connections, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools watched ones."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """The same for a proxy; one that speaks TLS itself is verified like everything else."""
        with self._lock:
            if proxy.lower().startswith("https:"):
                kwargs["proxy_ssl_context"] = self._context
            manager = super().proxy_manager_for(proxy, **kwargs)
            manager.pool_classes_by_scheme = _POOLS
            return manager

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        """The documented place to give a TLS context of one's own."""
        host, _ = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, {"ssl_context": self._context, "cert_reqs": "CERT_REQUIRED"} if host["scheme"] == "https" else {}

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: the context verifies. requests would load its bundle anew for each connection."""
