"""A pseudo-terminal, and what a person sees on it: wraps long lines, and wraps them again when it is resized."""

from __future__ import annotations

import contextlib
import os
import re
import struct
import threading
from types import TracebackType
from typing import TextIO

from rich.cells import cell_len

_TOKEN = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n])")


class Grid:
    """Rows of characters, as a terminal fills them; none is ever scrolled away."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        #: Rows, and whether a row continues in the next one.
        self._rows: list[list[str]] = [[]]
        self._goes_on = [False]
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Act on what a program writes. Knows the sequences that SFR uses; any other fails the test."""
        for match in _TOKEN.finditer(text):
            number, command, control, character = match.groups()
            if control == "\r":
                self._column = 0
            elif control == "\n":
                self._down()
            elif character:
                self._put(character)
            elif command == "K":
                self._cut()
            elif command == "J":
                self._cut()
                del self._rows[self._row + 1 :], self._goes_on[self._row + 1 :]
            elif command == "A":
                self._row = max(0, self._row - int(number or 1))
            else:
                assert command == "m", match.group()

    def resize(self, columns: int) -> None:
        """Rows that continued in the next are joined and wrapped again; the cursor stays with its character."""
        cursor, self.columns = (0, 0), columns
        rows, goes_on = [], []
        line: list[str] = []
        for number, (row, is_continued) in enumerate(zip(self._rows, self._goes_on, strict=True)):
            if number == self._row:
                place = len(line) + self._column
                cursor = (len(rows) + place // columns, place % columns)
            line += row
            if not is_continued:
                pieces = [line[start : start + columns] for start in range(0, len(line), columns)] or [[]]
                rows += pieces
                goes_on += [True] * (len(pieces) - 1) + [False]
                line = []
        self._rows, self._goes_on = rows, goes_on
        self._row, self._column = cursor

    def lines(self) -> list[str]:
        """What is seen, without blank rows at the end; a row that continues in the next is one line with it."""
        lines, line = [], ""
        for row, is_continued in zip(self._rows, self._goes_on, strict=True):
            line += "".join(row)
            if not is_continued:
                lines.append(line.rstrip())
                line = ""
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def widest(self) -> int:
        """Columns of the widest row."""
        return max(len(row) for row in self._rows)

    def _put(self, character: str) -> None:
        if self._column >= self.columns:
            self._goes_on[self._row] = True
            self._down()
            self._column = 0
        row = self._rows[self._row]
        row += [" "] * (self._column - len(row))
        # A wide character takes two cells: itself, and nothing.
        cells = [character, ""][: cell_len(character)]
        row[self._column : self._column + len(cells)] = cells
        self._column += len(cells)

    def _cut(self) -> None:
        del self._rows[self._row][min(self._column, self.columns - 1) :]
        self._goes_on[self._row] = False

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self._rows):
            self._rows.append([])
            self._goes_on.append(False)


class PseudoTerminal:
    """Context manager. `stream` is the end that programs write to; a thread reads the other, unless it is held."""

    def __init__(self, columns: int = 80, rows: int = 24) -> None:
        self._seen, written = os.openpty()
        self.stream: TextIO = os.fdopen(written, "w", encoding="utf-8")
        self.grid = Grid(columns)
        self.text = ""
        self._rows = rows
        self._lock = threading.Lock()
        self._set_size(columns)
        self._may_read = threading.Event()
        self._may_read.set()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> PseudoTerminal:
        self._reader.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.resume()
        self.stream.close()
        self.hang_up()
        self._reader.join()

    def hold(self) -> None:
        """Take no text any more, as after Ctrl-S: who writes, waits."""
        import termios

        termios.tcflow(self.stream.fileno(), termios.TCOOFF)
        self._may_read.clear()

    def resume(self) -> None:
        """Take text again, as after Ctrl-Q."""
        import termios

        with contextlib.suppress(termios.error):
            termios.tcflow(self.stream.fileno(), termios.TCOON)
        self._may_read.set()

    def hang_up(self) -> None:
        """Close the reader's end, as a terminal window that is closed. Its number may then be that of another file."""
        with self._lock:
            if self._seen >= 0:
                os.close(self._seen)
            self._seen = -1

    def resize(self, columns: int) -> None:
        """Change the size while a program writes."""
        with self._lock:
            self.grid.resize(columns)
            self._set_size(columns)

    def lines(self) -> list[str]:
        """What a person sees now."""
        with self._lock:
            return self.grid.lines()

    def _set_size(self, columns: int) -> None:
        import fcntl
        import termios

        fcntl.ioctl(self.stream.fileno(), termios.TIOCSWINSZ, struct.pack("HHHH", self._rows, columns, 0, 0))

    def _read(self) -> None:
        import codecs
        import select

        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while True:
            self._may_read.wait()
            try:
                if not select.select([self._seen], [], [], 0.1)[0]:
                    continue
                with self._lock:
                    if self._seen < 0:
                        return
                    piece = decoder.decode(os.read(self._seen, 65536))
                    self.text += piece
                    self.grid.feed(piece)
            except (OSError, ValueError):
                return  # nobody writes any more
