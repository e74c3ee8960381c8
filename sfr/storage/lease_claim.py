"""What a worker or a delivery needs to check, right before a rename, that its run still holds the output directory."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass

_OPEN = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
#: On NFS a file that another machine removed; opening it by name again looks it up once more.
_STALE = getattr(errno, "ESTALE", errno.ENOENT)


def lease_path(directory: str, generation: int) -> str:
    """Path of the file of one generation."""
    return f"{directory}/lease.{generation}"


@dataclass(frozen=True, slots=True)
class LeaseClaim:
    """A generation of the lease of a directory; picklable."""

    directory: str
    generation: int

    def is_current(self) -> bool:
        """Whether its file is there and no later one is. Opens both: a mere stat can be minutes old on NFS.

        False as well if that cannot be found out.
        """
        return _exists(lease_path(self.directory, self.generation)) is True and (
            _exists(lease_path(self.directory, self.generation + 1)) is False
        )


def _exists(path: str) -> bool | None:
    """None: unknown."""
    for _ in range(2):
        try:
            os.close(os.open(path, _OPEN))
        except FileNotFoundError:
            return False
        except OSError as error:
            if error.errno != _STALE:
                return None
        else:
            return True
    return None
