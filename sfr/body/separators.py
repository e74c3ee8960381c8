"""Counts the record ends of fully quoted CSV with SIMD searches, or gives up where they do not prove the count.

    span = span_of(block)                                              # None: too small, or no library
    ends = record_ends(block, span, is_inside=False, delimiter=b",")   # None: only another method is exact

In such a CSV a record ends with a quote, LF and a quote. The same three bytes occur inside a cell only if the cell's
text has a quote there (which is doubled), or a delimiter or LF next to it, so every other occurrence is a record end,
whatever precedes it. A line end that is not between quotes has to be inside a cell. The number of quotes before a
place decides where the bytes around it leave a doubt; a block in which something remains unproved is left to the
caller. Like the caller, assumes that quotes enclose whole cells and are doubled inside them.

The library is used for its speed alone: without it, every block is left to the caller.
"""

from __future__ import annotations

import functools

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Less than this between the first and the last separator is counted faster in another way.
MIN_BYTES = 2048
#: With more than one place to check in so many bytes, another method is faster.
MIN_BYTES_PER_CHECK = 128

_SEPARATOR = b'"\n"'

#: Codes of bytes, chosen so that a sum of codes is odd if the number of quotes is.
_OTHER, _QUOTE, _LF, _DELIMITER = 0, 1, 2, 4
_LF_AFTER_OTHER = bytes([_OTHER, _LF])
_LF_AFTER_LF = bytes([_LF, _LF])
_LF_AFTER_QUOTE_BEFORE_OTHER = bytes([_QUOTE, _LF, _OTHER])
_LF_AFTER_QUOTE_BEFORE_LF = bytes([_QUOTE, _LF, _LF])
#: One of the two is inside a cell. Where only one stands between quotes, the proof for the other is its proof, too.
_LF_QUOTE_LF = bytes([_QUOTE, _LF, _QUOTE, _LF, _QUOTE])
#: Separators that a cell's text could contain, where quotes and delimiters have one code; the same where they differ.
_DOUBTFUL = bytes([_QUOTE, _QUOTE, _LF, _QUOTE, _QUOTE])
_DOUBTFUL_SEPARATORS = tuple(
    bytes([before, _QUOTE, _LF, _QUOTE, after]) for before in (_QUOTE, _DELIMITER) for after in (_QUOTE, _DELIMITER)
)


def span_of(block: bytes) -> tuple[int, int] | None:
    """The first and the last LF between quotes; None if they are too close to each other, or without the library."""
    first, last = block.find(_SEPARATOR) + 1, block.rfind(_SEPARATOR) + 1
    return (first, last) if first and last - first >= MIN_BYTES and _library() is not None else None


def record_ends(block: bytes, span: tuple[int, int], *, is_inside: bool, delimiter: bytes) -> tuple[int, bool] | None:
    """Record ends between the two LFs of `span_of`, and whether the second is inside a cell; None if not proved.

    is_inside: whether the first LF is inside a cell.
    """
    library = _library()
    # The quotes around are needed as neighbours; the first is not before its LF, as far as `is_inside` is concerned.
    part = block[span[0] - 1 : span[1] + 2]
    starts_inside = not is_inside
    if b"\r" in part and _occurrences(library, part, b"\r") != library.count(part, b"\r\n"):
        return None
    inner = _inner_line_ends(library, library.translate(part, _table((b'"', _QUOTE), (b"\n", _LF))), starts_inside)
    if inner is None or not _is_every_separator_outside(library, part, delimiter, starts_inside):
        return None
    line_ends = _occurrences(library, part, b"\n") - 2
    return line_ends - inner, bool((_occurrences(library, part, b'"') - 1 + starts_inside) & 1)


def _inner_line_ends(library: Any, codes: bytes, starts_inside: bool) -> int | None:
    """Number of LFs that are not between quotes; None unless all of them are proved to be inside cells."""
    if library.find(codes, _LF_QUOTE_LF) >= 0:
        return None
    # Of blank lines inside a cell, the first LF may follow a quote; the next LF has as many quotes before it.
    found = int(library.count(codes, _LF_AFTER_QUOTE_BEFORE_LF))
    for pattern in (_LF_AFTER_OTHER, _LF_AFTER_LF, _LF_AFTER_QUOTE_BEFORE_OTHER):
        if count := library.count(codes, pattern, allowoverlap=True):
            if not _have_parity(library, codes, pattern, 1 - starts_inside):
                return None
            found += count
    return found


def _is_every_separator_outside(library: Any, part: bytes, delimiter: bytes, starts_inside: bool) -> bool:
    """Whether every LF between quotes is proved to be outside cells."""
    codes = library.translate(part, _table((b'"', _QUOTE), (delimiter, _QUOTE), (b"\n", _LF)))
    if library.find(codes, _DOUBTFUL) < 0:
        return True
    codes = library.translate(part, _table((b'"', _QUOTE), (delimiter, _DELIMITER), (b"\n", _LF)))
    for pattern in _DOUBTFUL_SEPARATORS:
        count = library.count(codes, pattern, allowoverlap=True)
        if count and (
            count != library.count(codes, pattern) or not _have_parity(library, codes, pattern, int(starts_inside))
        ):
            return False
    return True


def _have_parity(library: Any, codes: bytes, pattern: bytes, parity: int) -> bool:
    """Whether the quotes before the LF of every occurrence are even or odd in number, as `parity` is; False if unknown.

    Occurrences that overlap an earlier one are not looked at.
    """
    first, *between = map(library.bytesum, library.split(codes, pattern))
    if len(between) * MIN_BYTES_PER_CHECK > len(codes):
        return False
    between.pop()
    before_lf = library.bytesum(pattern[: pattern.index(_LF)])
    in_pattern = library.bytesum(pattern)
    return (first + before_lf - parity) % 2 == 0 and not any((count + in_pattern) % 2 for count in set(between))


def _occurrences(library: Any, part: bytes, byte: bytes) -> int:
    """How often a byte occurs; a search would take time for every occurrence."""
    return int(library.bytesum(library.translate(part, _table((byte, 1)))))


@functools.cache
def _table(*codes: tuple[bytes, int]) -> bytes:
    """A translation table: the code of each byte named, `_OTHER` for all others."""
    table = bytearray([_OTHER]) * 256
    for byte, code in codes:
        table[byte[0]] = code
    return bytes(table)


@functools.cache
def _library() -> Any:
    """stringzilla, or None where there is no wheel of it."""
    from importlib import import_module

    try:
        return import_module("stringzilla")
    except ImportError:
        return None
