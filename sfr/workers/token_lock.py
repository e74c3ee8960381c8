"""A lock between processes that is a pipe with one byte in it: who has taken the byte out has the lock.

Unlike `multiprocessing.Lock` it has no name in the system: nothing has to be cleared away after a killed program, so no
resource tracker is needed. Like that one it is lost with a holder that dies, or is stopped. POSIX only.
"""

from __future__ import annotations

import os
from multiprocessing import connection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType


class TokenLock:
    """A lock that can be handed to a process as it starts. Raises OSError where the system grants no pipe."""

    def __init__(self) -> None:
        self._reader, self._writer = connection.Pipe(duplex=False)
        self.release()

    def acquire(self) -> None:
        """Wait until the byte is there, and take it."""
        os.read(self._reader.fileno(), 1)

    def release(self) -> None:
        """Put the byte back."""
        os.write(self._writer.fileno(), b"-")

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.release()


class NoLimit:
    """In the place of a semaphore where nothing is to be counted."""

    def acquire(self, _is_blocking: bool = True, _timeout_s: float | None = None) -> bool:
        """Succeed."""
        return True

    def release(self) -> None:
        """Do nothing."""
