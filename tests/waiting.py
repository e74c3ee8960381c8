"""Waiting in a test for what other processes do: with a bound, and without guessing how long it takes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

PATIENCE_S = 60.0
LOOK_EVERY_S = 0.02


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look again and again until it is so; fails the test if it never gets so."""
    limit, pause = time.monotonic() + PATIENCE_S, threading.Event()
    while not is_so():
        assert time.monotonic() < limit
        pause.wait(LOOK_EVERY_S)
