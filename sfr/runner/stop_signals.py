"""Handles SIGINT, SIGTERM and SIGHUP according to the phase of a run.

before a run's event loop, and outside a run   `Stopped` is raised in the main thread
while the event loop runs                      an event in its inbox; the third one raises
once every report has ended                    the first is ignored: nothing is left to stop; the second one raises

Python swallows what is raised in a destructor or in the callback of a weak reference, where a handler may run as well
as anywhere else. Such a signal is handled again a moment later.
"""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType

from sfr.signals import STOP_SIGNALS, counted_as, exit_code

#: Pause before a signal is handled again whose exception Python swallows.
REPEAT_AFTER_S = 0.01


class Stopped(BaseException):
    """A stop signal that nothing intercepted. Not an `Exception`, like KeyboardInterrupt."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"Stopped by {signal.Signals(signal_number).name}, without waiting for anything.")
        #: SIGINT or SIGTERM.
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """130 or 143."""
        return exit_code(self.signal_number)


class StopSignals:
    """The current effect of a stop signal. Main thread only: that is where Python runs handlers."""

    def __init__(self) -> None:
        self._on_stop: Callable[[int], None] = _ignore
        self._remaining = 0
        self._first: int | None = None
        #: The signal for which `Stopped` was raised.
        self.raised: int | None = None

    def receive(self, number: int) -> None:
        """Called by the handler with SIGINT or SIGTERM."""
        if self._first is None:
            self._first = number
        if self._remaining <= 0:
            self.raised = number
            raise Stopped(number)
        self._remaining -= 1
        self._on_stop(number)

    @contextmanager
    def intercepted(self, count: int, on_stop: Callable[[int], None] | None = None) -> Iterator[None]:
        """Inside the block the first `count` signals call `on_stop(number)`, or are ignored; the next one raises.

        `on_stop` runs inside the handler and must only do what is safe there (`Inbox.post`).
        """
        before = self._on_stop, self._remaining
        self._on_stop, self._remaining = on_stop or _ignore, count
        try:
            yield
        finally:
            self._on_stop, self._remaining = before

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Inside the block every signal raises `Stopped`; one that arrived before raises at the start of the block."""
        with self.intercepted(0):
            if self._first is not None:
                raise Stopped(self._first)
            yield

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """The first signal inside the block raises at its end, the second one at once."""
        received: list[int] = []
        with self.intercepted(1, received.append):
            yield
        if received:
            raise Stopped(received[0])


@contextmanager
def stop_signals() -> Iterator[StopSignals]:
    """Handle stop signals while the block runs, then restore the old handlers.

    SIGHUP counts as SIGTERM, unless it was ignored at the start (nohup). Does nothing outside the main thread, where
    Python allows no handlers.
    """
    signals = StopSignals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return

    with _handler(signals) as handle:
        former = {}
        try:
            for number in STOP_SIGNALS:
                if number not in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) is signal.SIG_IGN:
                    continue
                former[number] = signal.signal(number, handle)
            yield signals
        except Exception as error:
            if signals.raised is None:
                raise
            # Foreign code has made an error of its own of the signal: pydantic does, while a model is being defined.
            raise Stopped(signals.raised) from error
        finally:
            for number, handler in former.items():
                # None: the former handler was not set from Python and cannot be put back.
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def _handler(signals: StopSignals) -> Iterator[Callable[[int, FrameType | None], None]]:
    """A handler whose `Stopped`, swallowed by Python, is no loss: the signal is sent again until it is raised."""
    former_hook = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if isinstance(unraisable.exc_value, Stopped):
            _send_later(unraisable.exc_value.signal_number)
        else:
            former_hook(unraisable)

    def handle(number: int, frame: FrameType | None) -> None:
        if _is_running(hook.__code__, frame):  # what is raised in the hook is swallowed too, without another call of it
            _send_later(number)
        else:
            signals.receive(counted_as(number))

    sys.unraisablehook = hook
    try:
        yield handle
    finally:
        sys.unraisablehook = former_hook


def _is_running(code: CodeType, frame: FrameType | None) -> bool:
    """Whether a function with this code is running in the frame, or called what runs there."""
    while frame is not None:
        if frame.f_code is code:
            return True
        frame = frame.f_back
    return False


def _send_later(number: int) -> None:
    # A thread of `threading` would need locks that the main thread may hold at this moment.
    _thread.start_new_thread(_send, (number,))


def _send(number: int) -> None:
    """To the main thread, whatever it is waiting for."""
    time.sleep(REPEAT_AFTER_S)
    if sys.platform == "win32":
        _thread.interrupt_main(signal.Signals(number))
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)


def _ignore(_number: int) -> None:
    pass
