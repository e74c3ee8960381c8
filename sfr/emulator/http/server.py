"""The listening socket, one thread per connection, keep-alive, optional TLS, immediate stop."""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Protocol

from sfr.emulator.http.delivery import Delivery
from sfr.emulator.http.reader import BadRequest, read_request
from sfr.emulator.http.request import Request
from sfr.emulator.http.responses import Response, html_response
from sfr.emulator.http.sender import send_response
from sfr.emulator.http.wire import Hangup, Wire

_log = logging.getLogger(__name__)
_HANDSHAKE_S = 10
_JOIN_S = 5


class PendingResponse(Protocol):
    """A response to be sent."""

    response: Response
    delivery: Delivery

    def finish(self, *, status: int | None, sent_bytes: int, ended: bool) -> None:
        """Called once, after the response was sent or the connection failed. status: None if no byte was sent."""


class Server:
    """Listens on 127.0.0.1. `start` binds; `stop` ends every connection and waits for its threads."""

    def __init__(
        self, begin: Callable[[Request], PendingResponse], gzip_level: Callable[[], int], tls: ssl.SSLContext | None
    ) -> None:
        self._begin = begin
        self._gzip_level = gzip_level
        self._tls = tls
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[socket.socket, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._acceptor: threading.Thread | None = None

    def start(self, port: int) -> int:
        """Start listening; returns the port. Raises OSError if the port is in use."""
        listener = socket.create_server(("127.0.0.1", port), backlog=512)
        listener.settimeout(0.5)  # here, since a `stop` may close it before the thread's first step
        self._listener = listener
        self._acceptor = threading.Thread(target=self._accept, args=(listener,), name="emulator-accept", daemon=True)
        self._acceptor.start()
        return int(listener.getsockname()[1])

    def stop(self) -> None:
        """Stop everything: interrupts delays and stalls, closes connections, and waits for threads."""
        self._stop.set()
        if self._listener is not None:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if self._acceptor is not None:
            self._acceptor.join(_JOIN_S)
        with self._lock:
            open_connections = dict(self._connections)
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in open_connections.values():
            thread.join(_JOIN_S)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stop.is_set():
            try:
                connection, address = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            connection.setblocking(True)
            thread = threading.Thread(
                target=self._serve, args=(connection, address[0]), name="emulator-connection", daemon=True
            )
            with self._lock:
                self._connections[connection] = thread
            thread.start()

    def _serve(self, plain: socket.socket, client: str) -> None:
        """Serve one connection until it is closed."""
        connection = plain
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                plain.settimeout(_HANDSHAKE_S)
                connection = self._tls.wrap_socket(plain, server_side=True)
                connection.settimeout(None)
                self._replace(plain, connection)
            self._serve_requests(connection, client)
        except Hangup:
            pass
        except OSError as error:
            _log.debug("connection ended: %s", error)
        finally:
            # Closing with a linger time of zero sends a reset, unless there was a shutdown before.
            connection.close()
            with self._lock:
                self._connections.pop(connection, None)
                self._connections.pop(plain, None)

    def _replace(self, plain: socket.socket, wrapped: socket.socket) -> None:
        """Make `stop` close the TLS socket instead: wrapping took the file descriptor from the plain one."""
        with self._lock:
            self._connections[wrapped] = self._connections.pop(plain)
        if self._stop.is_set():
            raise Hangup

    def _serve_requests(self, connection: socket.socket, client: str) -> None:
        wire = Wire(connection, self._stop)
        scheme = "https" if self._tls is not None else "http"
        with connection.makefile("rb") as file:
            while not self._stop.is_set():
                try:
                    request = read_request(file, scheme, client, lambda: wire.send(b"HTTP/1.1 100 Continue\r\n\r\n"))
                except BadRequest as bad:
                    refused = Request("GET", "/", {"connection": "close"})
                    send_response(wire, refused, html_response(f"{bad}\n", bad.status), Delivery(), 1)
                    return
                if request is None or not self._respond(wire, request):
                    return

    def _respond(self, wire: Wire, request: Request) -> bool:
        """Respond to one request; True if the connection stays open."""
        exchange = self._begin(request)
        start = wire.sent_bytes
        ended = False
        try:
            stays_open = send_response(wire, request, exchange.response, exchange.delivery, self._gzip_level())
            ended = True
            return stays_open
        finally:
            sent = wire.sent_bytes - start
            exchange.finish(status=exchange.response.status if sent else None, sent_bytes=sent, ended=ended)
