"""Starting a thread: where the system grants no more of them, and as a part of the run that starts it."""

from __future__ import annotations

import contextvars
import errno
import os
import threading


def start_thread(thread: threading.Thread) -> None:
    """Start a thread in the caller's context (see `contextvars`), so that its log records belong to the caller's run.

    Raises OSError where the system grants no more threads, as starting a process does.
    """
    context, run = contextvars.copy_context(), thread.run
    thread.run = lambda: context.run(run)  # type: ignore[method-assign]
    try:
        thread.start()
    except RuntimeError as error:
        raise no_thread() from error


def no_thread() -> OSError:
    """The error that stands for a thread that could not be started: of the possible causes, Python names none."""
    return OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
