"""A server that answers with the bytes a test wants, at the moment it wants, and records the requests."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

#: No test waits longer for a step of its server, seconds.
MAX_WAIT_S = 30.0


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """Pieces to send, an event among them being waited for; then what becomes of the connection."""

    pieces: Sequence[bytes | threading.Event]
    #: `close`, `keep` for another request, or `reset`.
    end: str = "close"


@dataclass
class RawServer:
    """Use as a context manager: listens on 127.0.0.1, each connection in a thread."""

    answer: Callable[[ReceivedRequest], Reply]
    tls: ssl.SSLContext | None = None
    received: list[ReceivedRequest] = field(default_factory=list)
    connections: int = 0
    #: Set when a connection is closed, by whomever.
    hung_up: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> RawServer:
        self._is_closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._open: list[socket.socket] = []
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(MAX_WAIT_S)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http{'s' if self.tls else ''}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.settimeout(MAX_WAIT_S)
            if self.tls:
                with self.tls.wrap_socket(connection, server_side=True) as secured:
                    self._open.append(secured)
                    self._answer_all(secured)
            else:
                self._answer_all(connection)
        self.hung_up.set()

    def _answer_all(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            while line := stream.readline():
                method, target, _ = line.decode("latin-1").split(" ", 2)
                headers: dict[str, str] = {}
                while (header := stream.readline().decode("latin-1").strip()) != "":
                    name, _, value = header.partition(":")
                    headers[name.lower()] = value.strip()
                request = ReceivedRequest(method, target, headers, stream.read(int(headers.get("content-length", "0"))))
                self.received.append(request)
                if not self._send(connection, self.answer(request)):
                    return

    def _send(self, connection: socket.socket, reply: Reply) -> bool:
        for piece in reply.pieces:
            if isinstance(piece, threading.Event):
                self._wait_for(piece)
            else:
                connection.sendall(piece)
        if reply.end == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return reply.end == "keep"

    def _wait_for(self, event: threading.Event) -> None:
        """Until the event, or the test is over."""
        end_clock_s = time.monotonic() + MAX_WAIT_S
        while not (event.wait(0.02) or self._is_closing.is_set() or time.monotonic() > end_clock_s):
            pass


def response(status: int = 200, body: bytes = b"", **headers: str) -> bytes:
    """A whole answer with its length; header names take `_` for `-`."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def always(*pieces: bytes | threading.Event, end: str = "keep") -> Callable[[ReceivedRequest], Reply]:
    """The same reply to everything."""
    return lambda _: Reply(pieces, end)
