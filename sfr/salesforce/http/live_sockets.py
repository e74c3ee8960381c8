"""Socket reads with deadlines, and an abort that ends all of them at once.

Deals with sockets, not HTTP. Errors come from `sfr.salesforce.http.deadlines` (limits) and `interruption` (an abort).
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
MIN_WAIT_S = 0.001
#: Longer waits are split: setting a socket's timeout is a system call, so it is changed only close to the deadline.
MAX_WAIT_S = 1.0


class LiveSockets:
    """The open sockets of one transport, so that an abort can end all reads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[Any] = weakref.WeakSet()
        self.is_aborted = False

    def add(self, sock: Any) -> None:
        """Register a connected socket; shut it down at once if `abort` was called before."""
        with self._lock:
            self._sockets.add(sock)
            is_aborted = self.is_aborted
        if is_aborted:
            shut(sock)

    def abort(self) -> None:
        """Shut down every socket, present and future: all reads return end of stream."""
        with self._lock:
            self.is_aborted = True
            sockets = list(self._sockets)
        for sock in sockets:
            shut(sock)


def shut(sock: Any) -> None:
    """Shut down a socket from any thread: reads return end of stream."""
    # Use the plain socket's shutdown: an SSLSocket's would discard its TLS state while another thread reads from it.
    # TLS inside TLS (an https proxy) is not a socket, but refers to the one below.
    below = sock if isinstance(sock, socket.socket) else sock.socket
    with contextlib.suppress(OSError):
        socket.socket.shutdown(below, socket.SHUT_RDWR)


class Exchange:
    """One request and its response: its time limits, and the error if SFR itself ended it."""

    def __init__(self, pace: Pace, live: LiveSockets) -> None:
        self.pace = pace
        self.live = live
        #: True once the connection is open and the request has been sent.
        self.is_sent = False
        #: True once all headers of the response have been received.
        self.has_headers = False
        self.failure: ReportError | None = None

    def receive_into(self, sock: Any, buffer: Any) -> int:
        """`recv_into` within the time limits.

        Sets `failure` and raises TimeoutError or ConnectionAbortedError if SFR ends the exchange.
        """
        started_clock_s = self.pace.clock()
        while True:
            self._stop_if_aborted()
            end_clock_s, error_of = self.pace.wait_until(started_clock_s)
            left_s = end_clock_s - self.pace.clock()
            if left_s <= 0:
                self.failure = error_of()
                raise TimeoutError(self.failure.message)
            wait_s = max(min(left_s, MAX_WAIT_S), MIN_WAIT_S)
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
            # http.client treats end of stream as the end of the headers.
            raise ConnectionAbortedError("the connection was closed in the middle of the headers")
        return 0

    def _stop_if_aborted(self) -> None:
        if self.live.is_aborted:
            self.failure = interruption()
            raise ConnectionAbortedError(self.failure.message)


def interruption() -> ReportError:
    """The error of an exchange that was aborted."""
    return ReportError(ErrorKind.INTERRUPTED, "The run was stopped before the response was complete.", permanent=True)
