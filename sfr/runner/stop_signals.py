"""SIGINT, SIGTERM and SIGHUP become an entry in the run's inbox; nothing else happens in a handler."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: SIGHUP is absent on Windows.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextmanager
def stop_signals(on_stop: Callable[[int], None]) -> Iterator[None]:
    """Call `on_stop(signal number)` for each stop signal while the block runs, then restore the old handlers.

    `on_stop` runs inside the handler and must only do what is safe there (`queue.SimpleQueue.put` is reentrant).
    SIGHUP counts as SIGTERM, unless it was ignored at the start (nohup). Off the main thread, where Python
    allows no handlers, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        on_stop(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    former = {}
    for number in _SIGNALS:
        if number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) is signal.SIG_IGN:
            continue
        former[number] = signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            # None: the former handler was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
