"""Counts the record ends of fully quoted CSV with SIMD searches, or gives up where they do not prove the count.

    scanner = new_scanner(b",")                                  # None: no library
    span = scanner.span_of(block)                                # None: too small
    ends = scanner.record_ends(block, span, is_inside=False)     # None: only another method is exact

In such a CSV a record ends with a quote, LF and a quote. The same three bytes occur inside a cell only if the cell's
text has a quote there (which is doubled), or a delimiter or LF next to it, so every other occurrence is a record end,
whatever precedes it. A line end that is not between quotes has to be inside a cell. The number of quotes before a
place decides where the bytes around it leave a doubt; a block in which something remains unproved is left to the
caller. Like the caller, assumes that quotes enclose whole cells and are doubled inside them.

The library, stringzilla, is used for its speed alone.
"""

from __future__ import annotations

import functools
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Less than this between the first and the last separator is counted faster in another way.
MIN_BYTES = 2048
#: With more places to check than one per this many bytes, another method is faster.
MIN_BYTES_PER_CHECK = 128

_SEPARATOR = b'"\n"'

#: Codes of bytes, chosen so that a sum of codes is odd if the number of quotes is.
_OTHER, _QUOTE, _LF, _DELIMITER = 0, 1, 2, 4
_LF_AFTER_OTHER = bytes([_OTHER, _LF])
_LF_AFTER_LF = bytes([_LF, _LF])
_LF_AFTER_QUOTE_BEFORE_OTHER = bytes([_QUOTE, _LF, _OTHER])
_LF_AFTER_QUOTE_BEFORE_LF = bytes([_QUOTE, _LF, _LF])
#: One of the two is inside a cell. Where only one is between quotes, the proof for the other is its proof, too.
_LF_QUOTE_LF = bytes([_QUOTE, _LF, _QUOTE, _LF, _QUOTE])
#: Separators that a cell's text could contain, where quotes and delimiters have one code; the same where they differ.
_DOUBTFUL = bytes([_QUOTE, _QUOTE, _LF, _QUOTE, _QUOTE])
_DOUBTFUL_SEPARATORS = tuple(
    bytes([before, _QUOTE, _LF, _QUOTE, after]) for before in (_QUOTE, _DELIMITER) for after in (_QUOTE, _DELIMITER)
)


class Scanner:
    """Searches blocks of CSV with this delimiter, in buffers that it keeps."""

    __slots__ = ("_codes", "_delimiter", "_library", "_marks")

    def __init__(self, library: Any, delimiter: bytes) -> None:
        self._library = library
        self._delimiter = delimiter
        # Used again for every block: memory that is new to the processor's cache costs more than the searches.
        self._codes = bytearray()
        self._marks = bytearray()

    def span_of(self, block: bytes) -> tuple[int, int] | None:
        """The first and the last LF between quotes; None if they are too close to each other."""
        first, last = block.find(_SEPARATOR) + 1, block.rfind(_SEPARATOR) + 1
        return (first, last) if first and last - first >= MIN_BYTES else None

    def record_ends(self, block: bytes, span: tuple[int, int], *, is_inside: bool) -> tuple[int, bool] | None:
        """Record ends between the two LFs of `span_of`, and whether the second is inside a cell; None if not proved.

        is_inside: whether the first LF is inside a cell.
        """
        # The quotes around the span are needed as neighbours; the first one changes what the part starts in.
        part = self._library.Str(block)[span[0] - 1 : span[1] + 2]
        starts_inside = not is_inside
        if len(part) > len(self._codes):
            self._codes, self._marks = bytearray(len(part)), bytearray(len(part))
        if part.find(b"\r") >= 0 and self._occurrences(part, b"\r") != part.count(b"\r\n"):
            return None
        codes = self._translated(part, self._codes, (b'"', _QUOTE), (b"\n", _LF))
        inner = self._inner_line_ends(codes, starts_inside)
        quotes = self._library.bytesum(codes)
        if inner is None or not self._is_every_separator_outside(part, starts_inside):
            return None
        return self._occurrences(part, b"\n") - 2 - inner, bool((quotes - 1 + starts_inside) & 1)

    def _inner_line_ends(self, codes: Any, starts_inside: bool) -> int | None:
        """Number of LFs that are not between quotes; None unless all of them are proved to be inside cells."""
        if codes.find(_LF_QUOTE_LF) >= 0:
            return None
        found = 0
        for pattern in (_LF_AFTER_OTHER, _LF_AFTER_LF, _LF_AFTER_QUOTE_BEFORE_OTHER):
            checked = self._checked(codes, pattern, 1 - starts_inside)
            if checked is None:
                return None
            found += checked
            if checked and pattern == _LF_AFTER_LF:
                # All of a series of LFs have the same number of quotes before them; the first may follow a quote.
                found += codes.count(pattern, allowoverlap=True) - checked + codes.count(_LF_AFTER_QUOTE_BEFORE_LF)
        return found

    def _is_every_separator_outside(self, part: Any, starts_inside: bool) -> bool:
        """Whether every LF between quotes is proved to be outside cells."""
        codes = self._translated(part, self._codes, (b'"', _QUOTE), (self._delimiter, _QUOTE), (b"\n", _LF))
        if codes.find(_DOUBTFUL) < 0:
            return True
        codes = self._translated(part, self._codes, (b'"', _QUOTE), (self._delimiter, _DELIMITER), (b"\n", _LF))
        for pattern in _DOUBTFUL_SEPARATORS:
            checked = self._checked(codes, pattern, int(starts_inside))
            if checked is None or (checked and checked != codes.count(pattern, allowoverlap=True)):
                return False
        return True

    def _checked(self, codes: Any, pattern: bytes, parity: int) -> int | None:
        """How often a pattern occurs, not counting overlaps, if before each LF the number of quotes is as expected.

        parity: 1 for an odd number, 0 for an even one. None for another one, or if there are too many to look at.
        """
        bytesum = self._library.bytesum
        first, *between = map(bytesum, codes.split(pattern))
        if not between:
            return 0
        if len(between) * MIN_BYTES_PER_CHECK > len(codes):
            return None
        before_lf, in_pattern = bytesum(pattern[: pattern.index(_LF)]), bytesum(pattern)
        if (first + before_lf - parity) % 2 or any((count + in_pattern) % 2 for count in set(between[:-1])):
            return None
        return len(between)

    def _occurrences(self, part: Any, byte: bytes) -> int:
        """How often a byte occurs; a search would take time for every occurrence."""
        return int(self._library.bytesum(self._translated(part, self._marks, (byte, 1))))

    def _translated(self, part: Any, buffer: bytearray, *codes: tuple[bytes, int]) -> Any:
        """The codes of the bytes of a part, as a view of the buffer."""
        part.translate(_table(*codes), out=memoryview(buffer)[: len(part)])
        return self._library.Str(buffer)[: len(part)]


def new_scanner(delimiter: bytes) -> Scanner | None:
    """A scanner, or None where there is no wheel of the library."""
    library = _library()
    return Scanner(library, delimiter) if library else None


@functools.cache
def _table(*codes: tuple[bytes, int]) -> bytes:
    """A translation table: the code of each byte named, `_OTHER` for all others."""
    table = bytearray([_OTHER]) * 256
    for byte, code in codes:
        table[byte[0]] = code
    return bytes(table)


@functools.cache
def _library() -> Any:
    try:
        return import_module("stringzilla")
    except ImportError:
        return None
