"""One request and its answer at the level of the socket: how long each read may take, and how a stop ends them all.

Knows sockets, not HTTP; the errors come from `sfr.salesforce.http.deadlines` (limits) and
`interruption` (a stop).
"""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from typing import Any, cast

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.http.deadlines import Pace

#: A socket timeout of 0 would mean non-blocking.
SHORTEST_WAIT_S = 0.001
#: Longer waits are made of several: changing a socket's timeout is a system call, and so is changed only near the end.
LONGEST_WAIT_S = 1.0


class LiveSockets:
    """The open sockets of one transport, so that a stop can end all reads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self.is_aborted = False

    def add(self, sock: Any) -> None:
        """Take note of a connected socket; it is shut at once if the stop came first."""
        with self._lock:
            self._sockets.add(sock)
            is_aborted = self.is_aborted
        if is_aborted:
            shut(sock)

    def abort(self) -> None:
        """Shut every socket, now and from now on: whoever reads from one gets the end of the stream."""
        with self._lock:
            self.is_aborted = True
            sockets = list(self._sockets)
        for sock in sockets:
            shut(sock)


def shut(sock: Any) -> None:
    """End all reads from a socket, from whichever thread: they get the end of the stream."""
    # The plain socket's own shutdown: an SSLSocket's would drop its TLS state under the thread that reads from it.
    # TLS inside TLS (an https proxy) is no socket; it names the one below.
    below = sock if isinstance(sock, socket.socket) else sock.socket
    with contextlib.suppress(OSError):
        socket.socket.shutdown(below, socket.SHUT_RDWR)


class Exchange:
    """One request and its answer: its pace, and why it was ended if SFR itself ended it."""

    def __init__(self, pace: Pace, live: LiveSockets) -> None:
        self.pace = pace
        self.live = live
        #: True once the connection stands and the request has left.
        self.is_sent = False
        #: True once all headers of the answer are here.
        self.has_headers = False
        self.failure: ReportError | None = None

    def receive_into(self, sock: Any, buffer: Any) -> int:
        """`recv_into`, for as long as the pace allows.

        Sets `failure` and raises TimeoutError or ConnectionAbortedError where SFR ends the exchange.
        """
        started_clock_s = self.pace.clock()
        while True:
            self._stop_if_aborted()
            end_clock_s, error_of = self.pace.wait_until(started_clock_s)
            left_s = end_clock_s - self.pace.clock()
            if left_s <= 0:
                self.failure = error_of()
                raise TimeoutError(self.failure.message)
            wait_s = max(min(left_s, LONGEST_WAIT_S), SHORTEST_WAIT_S)
            if sock.gettimeout() != wait_s:
                sock.settimeout(wait_s)
            try:
                size_bytes = cast(int, sock.recv_into(buffer))
            except TimeoutError:
                continue
            except OSError:
                self._stop_if_aborted()
                raise
            return self._note(started_clock_s, size_bytes)

    def _note(self, started_clock_s: float, size_bytes: int) -> int:
        if size_bytes:
            self.pace.note(started_clock_s, size_bytes)
            return size_bytes
        self._stop_if_aborted()
        if self.pace.first_byte_clock_s is not None and not self.has_headers:
            # http.client takes the end of the stream for the end of the headers.
            raise ConnectionAbortedError("the connection was closed in the middle of the headers")
        return 0

    def _stop_if_aborted(self) -> None:
        if self.live.is_aborted:
            self.failure = interruption()
            raise ConnectionAbortedError(self.failure.message)


def interruption() -> ReportError:
    """The error of an exchange that a stop ended."""
    return ReportError(ErrorKind.INTERRUPTED, "The run was stopped before the answer was complete.", permanent=True)
