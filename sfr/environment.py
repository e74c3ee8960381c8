"""Removes environment variables that hold secrets from the process environment for the duration of a run.

Child processes inherit the environment, and none of them may see a secret. Several runs in one process may use the same
variable: it is restored when the last of them ends. Thread-safe.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

_lock = threading.Lock()
#: Removed variables, and how many runs use each. Global, as the process environment is.
_removed: dict[str, str] = {}
_users: Counter[str] = Counter()


def current_environment() -> Mapping[str, str]:
    """The original environment of the process, including variables that a run has removed."""
    with _lock:
        return {**_removed, **os.environ}


@contextmanager
def without_variables(names: Collection[str]) -> Iterator[None]:
    """Remove these variables from `os.environ` while the block runs.

    A variable that has been set again meanwhile is not changed.
    """
    names = frozenset(names)
    with _lock:
        _users.update(names)
        _removed.update({name: os.environ.pop(name) for name in names if name in os.environ})
    try:
        yield
    finally:
        with _lock:
            _users.subtract(names)
            for name in names:
                if not _users[name]:
                    del _users[name]
                    if (value := _removed.pop(name, None)) is not None:
                        os.environ.setdefault(name, value)
