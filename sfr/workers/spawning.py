"""The class that worker processes are started by, on this system.

On Windows it is `multiprocessing`'s own, which runs the caller's script again in every worker: there a program that
calls `sfr.run()` needs `if __name__ == "__main__":` around it.
"""

from __future__ import annotations

import multiprocessing.process
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

if sys.platform == "win32":
    from multiprocessing.context import SpawnProcess as SpawnedProcess

    def start_resource_tracker() -> None:
        """Windows needs none."""
else:
    from sfr.workers.posix_spawning import SpawnedProcess, start_resource_tracker

__all__ = ["SpawnedProcess", "disown", "start_resource_tracker"]


def disown(process: BaseProcess) -> None:
    """Let the program end while this process, which nothing can end, is still there.

    multiprocessing waits for its children at the program's end, without a limit.
    """
    children = getattr(multiprocessing.process, "_children", None)  # no public way
    if children is not None:
        children.discard(process)
