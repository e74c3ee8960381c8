"""Threads where the system grants no more of them, and processes that nothing can end."""

from __future__ import annotations

import errno
import multiprocessing.process
import os
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess


def start_thread(thread: threading.Thread) -> None:
    """Start it; where the system grants no more threads, raise OSError as starting a process does."""
    try:
        thread.start()
    except RuntimeError as error:
        raise no_thread() from error


def no_thread() -> OSError:
    """What stopped a thread from starting: of the possible causes, Python names none."""
    return OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def disown(process: BaseProcess) -> None:
    """Let the program end while this process, which nothing can end, is still there.

    multiprocessing waits for its children at the program's end, without a limit.
    """
    children = getattr(multiprocessing.process, "_children", None)  # no public way
    if children is not None:
        children.discard(process)
