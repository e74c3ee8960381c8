"""Imports modules late, in any thread, one at a time.

Two threads that import a package and a module of it at the same moment can deadlock, which Python ends by an error in
one of them (bugs.python.org/issue38884).
"""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

_lock = threading.RLock()


def import_late(name: str) -> Any:
    """Import a module. All that it imports itself is loaded when this returns."""
    with _lock:
        return import_module(name)
