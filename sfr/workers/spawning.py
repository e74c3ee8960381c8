"""Starting a process by `spawn` from any calling program, while threads run and signals may come."""

from __future__ import annotations

import multiprocessing.process
import os
import signal
import sys
import types
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from typing import TextIO

_STOP_SIGNALS = {getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)}


@contextmanager
def undisturbed_start() -> Iterator[None]:
    """Make `Process.start()` inside the block safe.

    - `spawn` would run the caller's script again in the child; with an empty main module it has nothing to run, so
      that `sfr.run()` works from a script without a `__main__` guard and from a notebook.
    - A signal to the process group while a child starts would end it with a traceback; the child inherits the
      blocked mask and unblocks once it ignores them.
    - multiprocessing would start its resource tracker first, and that unblocks the signals (`_no_resource_tracker`).
    - multiprocessing flushes the standard streams, and would start nothing where one takes no more (a full disk): such
      a stream is out of its sight meanwhile.
    """
    unwritable = {name: stream for name in ("stdout", "stderr") if not _can_be_flushed(stream := getattr(sys, name))}
    main_module = sys.modules["__main__"]
    former_mask = (
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS) if hasattr(signal, "pthread_sigmask") else None
    )
    sys.modules["__main__"] = types.ModuleType("__main__")
    for name in unwritable:
        setattr(sys, name, None)
    try:
        with _no_resource_tracker():
            yield
    finally:
        for name, stream in unwritable.items():
            setattr(sys, name, stream)
        sys.modules["__main__"] = main_module
        if former_mask is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, former_mask)


@contextmanager
def _no_resource_tracker() -> Iterator[None]:
    """Let a child start without multiprocessing's resource tracker.

    That is a process of 7 MB that would clear away named semaphores after us, and we have none (`token_lock.py`). The
    child gets the end of a pipe that nobody reads in its place; should it ever want a tracker, it starts its own. One
    that the calling program has started is left alone. Raises OSError where the system grants no pipe.
    """
    reading, writing = os.pipe()
    os.close(reading)
    former = resource_tracker.getfd
    resource_tracker.getfd = lambda: writing
    try:
        yield
    finally:
        resource_tracker.getfd = former
        os.close(writing)


def _can_be_flushed(stream: TextIO | None) -> bool:
    try:
        if stream is not None:
            stream.flush()
    except OSError:
        return False
    except ValueError:
        pass  # closed: multiprocessing knows that case
    return True


def disown(process: BaseProcess) -> None:
    """Let the program end while this process, which nothing can end, is still there.

    multiprocessing waits for its children at the program's end, without a limit.
    """
    children = getattr(multiprocessing.process, "_children", None)  # no public way
    if children is not None:
        children.discard(process)
