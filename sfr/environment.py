"""The environment of child processes: variables that hold secrets are out of it for the time of a run."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager


@contextmanager
def without_variables(names: Collection[str]) -> Iterator[None]:
    """Take these out of the environment, where every child process would inherit them, and put them back at the end."""
    taken = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(taken)
