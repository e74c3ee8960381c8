"""Counts the records of a CSV from its bytes, exactly as `csv.reader` with `newline=""` does, ignoring empty lines.

    counter = RecordCounter(b",", is_all_quoted=True)
    for block in blocks:
        counter.feed(block)
    counter.records

Works for any encoding in which the bytes of quote, delimiter and line ends have no other meaning (UTF-8, ISO-8859-1,
Shift_JIS …), wherever the blocks are cut. Does not decode or split cells.

If every cell is quoted (Salesforce's dialect), a block is first reduced to its quotes and line ends, at memory speed: a
line end is outside quotes if the number of quotes before it is even. A block for which this is not sufficient (it has a
line without any quote, or a lone CR) is split at its quotes, which is exact as long as they enclose whole cells; the
rest goes to a state machine with the states of `csv.reader`.
"""

from __future__ import annotations

from enum import IntEnum

from sfr.body.separators import new_scanner

_LINE_END_BYTES = b"\r\n"
_QUOTE = 0x22
_NOT_MARKS = bytes(byte for byte in range(256) if byte not in b'"\r\n')
#: A line by the number of its quotes: none, an odd or an even one.
_KINDS = b"-" + b"oe" * 127 + b"o"


class State(IntEnum):
    """The position within a record at the end of the bytes fed so far, as in the state machine of the csv module."""

    RECORD_START = 0
    CELL_START = 1
    PLAIN_CELL = 2
    QUOTED_CELL = 3
    #: After a quote inside a quoted cell: its end, or the first half of a doubled quote.
    CLOSING_QUOTE = 4


class RecordCounter:
    """Counts records in blocks of bytes; the header counts as one, empty lines do not.

    delimiter: the one byte between cells.
    is_all_quoted: True if all cells of the header are quoted, which enables the fast path; it assumes that quotes in
    cells are doubled.
    """

    __slots__ = ("_delimiter", "_ended", "_is_all_quoted", "_scanner", "state")

    def __init__(self, delimiter: bytes, *, is_all_quoted: bool) -> None:
        self._delimiter = delimiter
        self._is_all_quoted = is_all_quoted
        self._scanner = new_scanner(delimiter) if is_all_quoted else None
        self._ended = 0
        self.state = State.RECORD_START

    @property
    def records(self) -> int:
        """Records so far, including an unfinished one."""
        return self._ended + (self.state is not State.RECORD_START)

    @property
    def is_inside_quotes(self) -> bool:
        """True if the bytes so far end inside a quoted cell."""
        return self.state is State.QUOTED_CELL

    def copy(self) -> RecordCounter:
        """An independent counter with the same state."""
        twin = RecordCounter(self._delimiter, is_all_quoted=self._is_all_quoted)
        twin._ended = self._ended
        twin.state = self.state
        return twin

    def feed(self, block: bytes) -> None:
        """Count the records in the next bytes."""
        span = self._scanner.span_of(block) if self._scanner else None
        if self._scanner is None or span is None:
            self._feed_any(block)
            return
        first, last = span
        self._feed_any(block[: first + 1])
        counted = self._scanner.record_ends(block, span, is_inside=self.is_inside_quotes)
        if counted is None:
            self._feed_any(block[first + 1 :])
            return
        ends, is_inside = counted
        self._ended += ends
        # The byte before the last LF is a quote: inside a cell it is the second half of a doubled one.
        self.state = State.QUOTED_CELL if is_inside else State.CLOSING_QUOTE
        self._feed_any(block[last:])

    def _feed_any(self, block: bytes) -> None:
        if self.state is State.RECORD_START:
            block = block.lstrip(_LINE_END_BYTES)
        if not block:
            return
        counted = self._count_all_quoted(block) if self._is_all_quoted else None
        counted = counted or self._count_well_quoted(block)
        if counted is None:
            self._walk(block)
            return
        line_ends, is_inside = counted
        self._ended += line_ends
        self.state = State.QUOTED_CELL if is_inside else self._state_after(block[-1])

    def _count_all_quoted(self, block: bytes) -> tuple[int, bool] | None:
        """Records that end in the block, and whether it ends inside quotes; None if the fast path does not apply."""
        marks = block.translate(None, _NOT_MARKS)
        if b"\r" in marks:
            if marks.count(b"\r") != block.count(b"\r\n"):
                return None
            marks = marks.translate(None, b"\r")
        if self.state is State.QUOTED_CELL:
            marks = b'"' + marks
        elif self.state is State.RECORD_START and marks.startswith(b"\n"):
            return None
        return _outer_line_ends(marks)

    def _count_well_quoted(self, block: bytes) -> tuple[int, bool] | None:
        """The same for any dialect; None if a quote does not enclose a whole cell."""
        parts = (self._bytes_before() + block).split(b'"')
        is_inside = len(parts) % 2 == 0
        outer = parts[::2]
        if len(parts) > 1 and not self._is_well_quoted(outer, is_inside):
            return None
        outside = b'"'.join(outer) + (b'"' if is_inside else b"")
        lines = outside.splitlines()
        is_ended = outside[-1] in _LINE_END_BYTES
        return len(lines) - lines.count(b"") - (not is_ended), is_inside

    def _bytes_before(self) -> bytes:
        """Bytes that put a new counter into the current state."""
        return (b"", self._delimiter, b"x", b'"', b'""')[self.state]

    def _is_well_quoted(self, outer: list[bytes], is_inside: bool) -> bool:
        """Whether the text between quoted parts is empty (a doubled quote), or starts and ends outside cells."""
        ends = _LINE_END_BYTES + self._delimiter
        first, *between = outer
        last = b"" if is_inside else between.pop()
        return (
            (not first or first[-1] in ends)
            and (not last or last[0] in ends)
            and all(not part or (part[0] in ends and part[-1] in ends) for part in set(between))
        )

    def _state_after(self, byte: int) -> State:
        """The state after `byte`, which is outside quotes or closes them."""
        if byte in _LINE_END_BYTES:
            return State.RECORD_START
        if byte == _QUOTE:
            return State.CLOSING_QUOTE
        return State.CELL_START if byte == self._delimiter[0] else State.PLAIN_CELL

    def _walk(self, block: bytes) -> None:
        """The slow, exact path for every dialect: byte by byte like `csv.reader`, except inside quotes."""
        position = 0
        while position < len(block):
            if self.state is State.QUOTED_CELL:
                quote = block.find(b'"', position)
                if quote < 0:
                    return
                self.state = State.CLOSING_QUOTE
                position = quote + 1
            else:
                self._take(block[position])
                position += 1

    def _take(self, byte: int) -> None:
        if byte == _QUOTE and self.state is not State.PLAIN_CELL:
            self.state = State.QUOTED_CELL
            return
        if byte in _LINE_END_BYTES and self.state is not State.RECORD_START:
            self._ended += 1
        self.state = State.PLAIN_CELL if byte == _QUOTE else self._state_after(byte)


def _outer_line_ends(marks: bytes) -> tuple[int, bool] | None:
    """Line ends outside quotes, and whether the end is inside, for quotes and LFs that start outside.

    None if a line other than the first is completely outside quotes and has none.
    """
    lines = marks.split(b"\n")
    last = lines.pop()
    if lines and not lines[0]:
        lines[0] = b'""'
    try:
        quotes = bytes(map(len, lines))
    except ValueError:
        quotes = bytes(count if count < 256 else 254 + (count & 1) for count in map(len, lines))
    kinds = quotes.translate(_KINDS)
    odd = kinds.count(b"o")
    if not odd:
        return None if b"-" in kinds else (len(kinds), bool(len(last) & 1))
    outside = kinds.split(b"o")[::2]
    if b"-" in b"".join(outside):
        return None
    return sum(map(len, outside)) + odd // 2, bool((odd + len(last)) & 1)
