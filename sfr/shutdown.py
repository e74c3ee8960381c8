"""SIGINT, SIGTERM and SIGHUP: each is an event for whoever takes it at the moment, or else ends what is being done.

before a run's main loop, and outside a run   `Stopped` is raised where the main thread is
while the main loop reads its inbox           an event; the third one raises
once every report has ended                   the first is ignored, for nothing is stopped; the second one raises
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: SIGHUP is absent on Windows.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
#: What a shell adds to the number of the signal that ended a program.
_EXIT_CODE_OF_SIGNALS = 128


class Stopped(BaseException):
    """A stop signal came while nothing took it. Like KeyboardInterrupt, it passes whoever catches `Exception`."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"Stopped by {signal.Signals(signal_number).name}; nothing is waited for.")
        #: SIGINT or SIGTERM.
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """130 or 143."""
        return _EXIT_CODE_OF_SIGNALS + self.signal_number


class StopSignals:
    """Who takes the stop signals. Main thread only: that is where Python runs handlers."""

    def __init__(self) -> None:
        self._on_stop: Callable[[int], None] = _ignore
        self._left = 0
        self._first: int | None = None

    def receive(self, number: int) -> None:
        """What the handler does with SIGINT or SIGTERM."""
        if self._first is None:
            self._first = number
        if self._left <= 0:
            raise Stopped(number)
        self._left -= 1
        self._on_stop(number)

    @contextmanager
    def taken(self, most: int, on_stop: Callable[[int], None] | None = None) -> Iterator[None]:
        """Inside the block the first `most` signals only call `on_stop(number)`, or are ignored; the next one raises.

        `on_stop` runs inside the handler and must only do what is safe there (`queue.SimpleQueue.put` is reentrant).
        """
        before = self._on_stop, self._left
        self._on_stop, self._left = on_stop or _ignore, most
        try:
            yield
        finally:
            self._on_stop, self._left = before

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Inside the block every signal raises `Stopped`; so does, at its start, one that has come before."""
        with self.taken(0):
            if self._first is not None:
                raise Stopped(self._first)
            yield

    @contextmanager
    def postponed(self) -> Iterator[None]:
        """The first signal inside the block raises at its end; the second one does at once."""
        waiting: list[int] = []
        with self.taken(1, waiting.append):
            yield
        if waiting:
            raise Stopped(waiting[0])


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handle stop signals while the block runs, then restore the old handlers.

    SIGHUP counts as SIGTERM, unless it was ignored at the start (nohup). Off the main thread, where Python allows no
    handlers, none arrives.
    """
    signals = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    def handle(number: int, _frame: FrameType | None) -> None:
        signals.receive(signal.SIGINT if number == signal.SIGINT else signal.SIGTERM)

    former = {}
    try:
        for number in _SIGNALS:
            if number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) is signal.SIG_IGN:
                continue
            former[number] = signal.signal(number, handle)
        yield signals
    finally:
        for number, handler in former.items():
            # None: the former handler was not set from Python and cannot be put back.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _ignore(_number: int) -> None:
    pass
