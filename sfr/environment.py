"""Environment variables that hold secrets, taken out of the process environment for the time of a run.

Child processes inherit the environment, and none of them may see a secret. Several runs of one process may use the same
variable: each takes it out, and the last one to end puts it back. Thread-safe.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

_lock = threading.Lock()
#: What was taken out, and by how many runs. The process environment is one for all threads, and so is this.
_taken_out: dict[str, str] = {}
_users: Counter[str] = Counter()


def current_environment() -> Mapping[str, str]:
    """The environment as the process was given it: variables that a run has taken out are there, too."""
    with _lock:
        return {**_taken_out, **os.environ}


@contextmanager
def without_variables(names: Collection[str]) -> Iterator[None]:
    """Take these variables out of `os.environ` while the block runs.

    A variable that was set anew meanwhile is left as it is.
    """
    names = frozenset(names)
    with _lock:
        _users.update(names)
        _taken_out.update({name: os.environ.pop(name) for name in names if name in os.environ})
    try:
        yield
    finally:
        with _lock:
            _users.subtract(names)
            for name in names:
                if not _users[name]:
                    del _users[name]
                    if (value := _taken_out.pop(name, None)) is not None:
                        os.environ.setdefault(name, value)
