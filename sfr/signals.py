"""The stop signals of a process: their exit codes, and what they do before and after its program handles them."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

#: SIGHUP is absent on Windows.
STOP_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
#: A program ended by a signal has this exit code plus the signal's number, by the convention of shells.
_EXIT_CODE_BASE = 128


def counted_as(number: int) -> int:
    """SIGINT, or SIGTERM for any other stop signal."""
    return signal.SIGINT if number == signal.SIGINT else signal.SIGTERM


def exit_code(number: int) -> int:
    """130 or 143."""
    return _EXIT_CODE_BASE + counted_as(number)


def end_at_stop_signals() -> None:
    """Let a stop signal end this process at once, with its exit code. Main thread only.

    By default SIGINT prints a traceback, and the exit code of SIGHUP is another one. A signal that was ignored at the
    start (nohup) stays so. Unblocks them all: a parent may have blocked them until now, see `blocked`.
    """
    for number in STOP_SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    atexit.register(_ignore_stop_signals)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def blocked(numbers: Collection[int] = STOP_SIGNALS) -> Iterator[None]:
    """A child that is started in this block inherits the mask: signals wait until it unblocks them.

    Before it has its handlers, they would end it with a traceback. Does nothing on Windows.
    """
    if sys.platform == "win32":
        yield
    else:
        former_mask = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, former_mask)


def _ignore_stop_signals() -> None:
    """While the interpreter ends, which puts the default actions back: the exit code is known by then."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _end(number: int, _frame: FrameType | None) -> None:
    os._exit(exit_code(number))
