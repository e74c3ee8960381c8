"""The sending side of a client connection: bytes, pauses, resets. Works the same with and without TLS."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import sys
import threading
import time

_POLL_EVERY_S = 0.05
_PEER_CLOSED: int | None = getattr(select, "POLLRDHUP", None)


class Hangup(Exception):  # noqa: N818 - not an error: the exchange is over
    """The connection has to be closed now: the client left, the emulator stops, or a fault requires it."""


class Wire:
    """Sends to one client. `sent_bytes` counts bytes handed to the socket."""

    def __init__(self, connection: socket.socket, stop: threading.Event) -> None:
        self.connection = connection
        self.sent_bytes = 0
        self._stop = stop

    def send(self, data: bytes) -> None:
        """Send all bytes. Raises Hangup if the emulator stops, OSError if the client has closed the connection."""
        if self._stop.is_set():
            raise Hangup
        self.connection.sendall(data)
        self.sent_bytes += len(data)

    def pause(self, seconds: float | None) -> None:
        """Wait (None: for ever). Raises Hangup as soon as the emulator stops or the client leaves."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while True:
            left = _POLL_EVERY_S if deadline is None else min(_POLL_EVERY_S, deadline - time.monotonic())
            if left <= 0:
                return
            if self._stop.wait(left) or self._client_left():
                raise Hangup

    def reset(self) -> None:
        """End with a TCP reset; bytes already sent may be lost."""
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Hangup

    def _client_left(self) -> bool:
        """Whether the client closed its side; anything it sends remains unread."""
        try:
            if sys.platform != "win32" and _PEER_CLOSED is not None:
                poll = select.poll()
                poll.register(self.connection, _PEER_CLOSED)
                return bool(poll.poll(0))
            readable, _, _ = select.select([self.connection], [], [], 0)
            # TLS sockets cannot be peeked: without POLLRDHUP their stalls end when the emulator stops.
            if not readable or isinstance(self.connection, ssl.SSLSocket):
                return False
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):
            return True
