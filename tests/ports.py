"""Ports for servers that do not take one from the system, and ports where nobody listens."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager

#: Below those that systems give to connections: one of another test could get the port meanwhile.
FIRST, LAST = 20_000, 32_000


def free_port() -> int:
    """A port of loopback that nothing listens on at the moment."""
    while True:
        port = FIRST + secrets.randbelow(LAST - FIRST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@contextmanager
def refusing_port() -> Iterator[int]:
    """A port of loopback that nobody can listen on inside the block: connections to it are refused."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]
