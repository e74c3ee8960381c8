"""Starts threads in the context of their run, with OSError if the system allows no more of them."""

from __future__ import annotations

import contextvars
import errno
import os
import threading


def start_thread(thread: threading.Thread) -> None:
    """Start a thread in the caller's context (see `contextvars`), so that its log records belong to the caller's run.

    Raises OSError if the system allows no more threads, as starting a process does.
    """
    context, run = contextvars.copy_context(), thread.run
    thread.run = lambda: context.run(run)  # type: ignore[method-assign]
    try:
        thread.start()
    except RuntimeError as error:
        raise no_thread() from error


def no_thread() -> OSError:
    """The error for a thread that could not be started; Python does not give the cause."""
    return OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
