"""A relay between a client and a server on loopback that cuts or stalls connections as a test wants."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress


class TcpRelay:
    """Forwards to `port`. A context manager.

    After `limit_bytes` from clients, in all, it cuts connections, or with `stalls` forwards nothing more; None: never.
    """

    def __init__(self, port: int, *, limit_bytes: int | None = None, stalls: bool = False) -> None:
        self._target = ("127.0.0.1", port)
        self._limit_bytes, self._stalls = limit_bytes, stalls
        self._passed_bytes = 0
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        #: All that has passed, in both directions.
        self.passed = bytearray()
        #: Set once the limit is reached.
        self.is_at_limit = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> TcpRelay:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._close(self._listener, *self._sockets)
        for thread in self._threads:
            thread.join(10)

    def lead_to(self, port: int) -> None:
        """Forward new connections to another port."""
        self._target = ("127.0.0.1", port)

    def reset(self) -> None:
        """Reset the connections that there are; new ones are taken."""
        linger = struct.pack("ii", 1, 0)
        for each in self._sockets:
            with suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._close(*self._sockets)
        self._sockets = []

    def _start(self, run: object, *arguments: object) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target, 10)
                server.settimeout(None)  # an idle connection is not cut
            except OSError:
                self._close(client)  # nobody listens there at the moment
                continue
            self._sockets += [client, server]
            self._start(self._forward, client, server, True)
            self._start(self._forward, server, client, False)

    def _forward(self, source: socket.socket, sink: socket.socket, is_counted: bool) -> None:
        with suppress(OSError):
            while block := source.recv(16 * 1024):
                if is_counted and self._is_beyond(len(block)):
                    self.is_at_limit.set()
                    if self._stalls:
                        return
                    break
                self.passed += block
                sink.sendall(block)
        self._close(source, sink)

    def _is_beyond(self, size_bytes: int) -> bool:
        with self._lock:
            self._passed_bytes += size_bytes
            return self._limit_bytes is not None and self._passed_bytes > self._limit_bytes

    @staticmethod
    def _close(*sockets: socket.socket) -> None:
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
