"""Listens on this machine's loopback addresses for the one request with which a web log-in ends in the browser.

Answers requests with another `state` and continues to wait, as it does after connections without a request. Stops
listening with the first answer of this log-in. No request can make it contact another host.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from sfr.errors import LogInError, SfrError, UsageError
from sfr.inbox import Inbox
from sfr.redaction import Secret
from sfr.salesforce.auth.web_log_in import CALLBACK_PATH, OtherStateError, WebLogIn
from sfr.threads import start_thread

#: How long a person may take.
WAIT_S = 300.0
#: A connection without a whole request is closed after this.
REQUEST_TIMEOUT_S = 10.0
#: It looks for the end every `_POLL_S`.
CLOSE_TIMEOUT_S = 5.0
_POLL_S = 0.2
_HOSTS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))

_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>SFR</title></head>
<body style="font-family: sans-serif; margin: 3em"><h1>{title}</h1><p>{text}</p></body></html>
"""
_DONE = _PAGE.format(title="SFR has what it needs", text="You can close this window.")
_REFUSED = _PAGE.format(title="The log-in was refused", text="You can close this window. The terminal says why.")
_OTHER = _PAGE.format(title="Not this log-in", text="Open the address that sfr login shows now.")

#: The result of a request: the code, or why there is none.
_Answers = Inbox[Secret | SfrError]


class CallbackListener:
    """The open listener of one log-in; made by `listen`."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers

    def wait(self, timeout_s: float = WAIT_S, clock: Callable[[], float] = time.monotonic) -> Secret:
        """The authorization code. Raises LogInError if the log-in is refused, or nothing comes in time."""
        end_clock_s = clock() + timeout_s
        while (left_s := end_clock_s - clock()) > 0:
            for answer in self._answers.take(min(left_s, _POLL_S)):
                if isinstance(answer, Exception):
                    raise answer
                return answer
        raise LogInError(
            f"Nobody logged in within {timeout_s:g} s. If the browser showed `redirect_uri_mismatch`, add the callback "
            "URL to the app as it is printed above. Run sfr login again; where no browser on this machine can be used, "
            "with --no-browser."
        )


@contextmanager
def listen(log_in: WebLogIn) -> Iterator[CallbackListener]:
    """Listen on 127.0.0.1 and, where the machine has it, ::1. Raises UsageError if the port cannot be had."""
    answers: _Answers = Inbox()
    servers: list[_Server] = []
    try:
        for family, host in _HOSTS:
            try:
                servers.append(_Server(family, host, log_in, answers))
            except OSError as error:
                if servers and not _is_taken(error):
                    break  # no IPv6 on this machine
                raise UsageError(
                    f"Port {log_in.port} on this machine cannot be used ({error.strerror or error}). Give another one "
                    "with --port, and add its address to the app's callback URLs."
                ) from error
        for server in servers:
            start_thread(server.thread)
        yield CallbackListener(answers)
    finally:
        for server in servers:
            server.close()


def _is_taken(error: OSError) -> bool:
    return error.errno in (errno.EADDRINUSE, errno.EACCES)


class _Server(ThreadingHTTPServer):
    """A server for one address, a thread for each connection: browsers open some that they never use."""

    daemon_threads = True
    block_on_close = False
    #: On Windows it would let another program listen on the same port.
    allow_reuse_address = os.name == "posix"
    timeout = _POLL_S

    def __init__(self, family: socket.AddressFamily, host: str, log_in: WebLogIn, answers: _Answers) -> None:
        self.address_family = family
        self.log_in = log_in
        self.answers = answers
        self._stop = threading.Event()
        self.thread = threading.Thread(target=self._serve, name="sfr-callback", daemon=True)
        super().__init__((host, log_in.port), _Handler)

    def server_bind(self) -> None:
        """Bind without looking up the host's name."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if self.allow_reuse_address:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = str(self.server_address[0]), self.log_in.port

    def _serve(self) -> None:
        while not self._stop.is_set():
            self.handle_request()

    def close(self) -> None:
        """Stop listening."""
        self._stop.set()
        if self.thread.is_alive():
            self.thread.join(CLOSE_TIMEOUT_S)
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = REQUEST_TIMEOUT_S

    def do_GET(self) -> None:
        """Answer; the first answer of this log-in ends the wait."""
        parts = urlsplit(self.path)
        if parts.path != CALLBACK_PATH:
            self._answer(HTTPStatus.NOT_FOUND, _OTHER)
            return
        try:
            answer: Secret | SfrError = self.server.log_in.code_of(parts.query)
        except OtherStateError:
            self._answer(HTTPStatus.BAD_REQUEST, _OTHER)
            return
        except SfrError as error:
            answer = error
        is_code = isinstance(answer, Secret)
        with contextlib.suppress(OSError):
            self._answer(HTTPStatus.OK if is_code else HTTPStatus.BAD_REQUEST, _DONE if is_code else _REFUSED)
        self.server.answers.post(answer)

    def _answer(self, status: HTTPStatus, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the path contains the code."""

    def version_string(self) -> str:
        """No versions of Python."""
        return "sfr"
