"""Writes to a terminal from a thread of its own: whole lines, and below them a region that is redrawn.

A terminal can stop accepting text for any length of time (Ctrl-S, a frozen connection), which blocks the writer. So
only that thread writes; all others hand their text over and continue.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import TextIO

from sfr.terminal.text import encodable
from sfr.threads import start_thread

#: Maximum number of lines kept while the terminal accepts none; newer ones are dropped, and counted.
MAX_LINES = 1000
#: Maximum wait at the end for a terminal that accepts no text.
CLOSE_TIMEOUT_S = 1.0
#: The size assumed if the terminal reports none.
_USUAL_SIZE = os.terminal_size((80, 24))

#: Returns the lines of the region, given its width in columns and the maximum number of lines.
Frame = Callable[[int, int], Sequence[str]]

_ERASE_DOWN, _ERASE_RIGHT = "\x1b[J", "\x1b[K"


class Screen:
    """A terminal. Thread-safe; of all methods only `close` waits for the terminal.

    Raises OSError if the stream has no descriptor, or the system allows no more threads.

    The cursor rests at the start of the region. However a terminal wraps or cuts the region's lines when it is
    resized, the cursor stays there, so that the next drawing covers all of it.
    """

    def __init__(self, stream: TextIO) -> None:
        self.encoding = stream.encoding
        # Not the stream: its buffer has a lock, and Python would wait for the thread that holds it when it exits.
        self._terminal = open(os.dup(stream.fileno()), "wb", buffering=0)  # noqa: SIM115 - closed by its thread
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._frame: Frame | None = None
        self._is_closing = False
        #: What the thread has drawn: the frame, at which size, and its text.
        self._drawn: tuple[Frame | None, os.terminal_size, str] = (None, _USUAL_SIZE, "")
        self._thread = threading.Thread(target=self._run, name="screen", daemon=True)
        try:
            start_thread(self._thread)
        except OSError:
            self._terminal.close()
            raise

    def write(self, text: str) -> None:
        """Write one or more lines, with their line ends, above the region."""
        with self._changed:
            if len(self._lines) < MAX_LINES:
                self._lines.append(text)
            else:
                self._dropped += 1
            self._changed.notify()

    def show(self, frame: Frame | None) -> None:
        """Replace the region's frame; None removes the region. Frames that are not drawn in time are skipped."""
        with self._changed:
            self._frame = frame
            self._changed.notify()

    def close(self, timeout_s: float | None = CLOSE_TIMEOUT_S) -> bool:
        """Remove the region and wait until all is written (None: without limit); may be called again to wait again.

        Returns False if the terminal still accepts no text: any other writer would be blocked too.
        """
        with self._changed:
            self._frame, self._is_closing = None, True
            self._changed.notify()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        with self._terminal:
            while (text := self._next_text()) is not None:
                try:
                    self._write(text)
                except OSError:
                    return  # the terminal is gone

    def _next_text(self) -> str | None:
        """Wait for text to write; None once all is written and the screen is closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._frame is not self._drawn[0] or self._is_closing)
            if not self._lines and self._frame is self._drawn[0]:
                return None
            text = "".join(self._lines)
            self._lines.clear()
            if self._dropped:
                text += f"({self._dropped:,} lines were left out here; the log file has them.)\n"
                self._dropped = 0
            frame = self._frame
        # Lines that fill the terminal's width lose their last character to _ERASE_RIGHT: what is below goes first.
        before = f"\r{_ERASE_DOWN}" if self._drawn[2] and (text or frame is None) else ""
        return f"{before}{text}{self._region(frame)}"

    def _region(self, frame: Frame | None) -> str:
        size = self._size()
        if frame is not self._drawn[0] or size != self._drawn[1]:
            lines = frame(size.columns - 1, size.lines - 1)[: size.lines - 1] if frame is not None else ()
            ends = f"{_ERASE_RIGHT}\n"
            up = f"\x1b[{len(lines) - 1}A" if len(lines) > 1 else ""
            self._drawn = (frame, size, f"\r{ends.join(lines)}{_ERASE_RIGHT}{_ERASE_DOWN}{up}\r" if lines else "")
        return self._drawn[2]

    def _size(self) -> os.terminal_size:
        try:
            found = os.get_terminal_size(self._terminal.fileno())
        except OSError:
            return _USUAL_SIZE
        return found if found.columns > 1 and found.lines > 1 else _USUAL_SIZE

    def _write(self, text: str) -> None:
        view = memoryview(encodable(text, self.encoding).encode(self.encoding, "replace"))
        while view:
            view = view[self._terminal.write(view) or 0 :]
