"""Text that a terminal shows as it is meant: no control characters, and a known width.

Knows nothing of log records or reports.
"""

from __future__ import annotations

import re
import unicodedata

#: What moves the cursor, changes colours, reorders or hides text: C0 and C1 controls, DEL, line separators, the signs
#: that turn the writing direction, and halves of surrogate pairs (undecodable bytes of a file name).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL_IN_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def escape_control(text: str, *, keep_lines: bool = False) -> str:
    r"""The text with every control character as an escape such as `\x1b`; `keep_lines` leaves tabs and line feeds."""
    return (_CONTROL_IN_LINES if keep_lines else _CONTROL).sub(_escape, text)


def character_width(character: str) -> int:
    """Columns of a terminal that the character takes: 0, 1 or 2."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def text_width(text: str) -> int:
    """Columns of a terminal that the text takes; control characters are expected to be escaped."""
    return len(text) if text.isascii() else sum(map(character_width, text))


def shorten(text: str, width: int, *, ellipsis: str = "…") -> str:
    """The text, its end replaced by the ellipsis if it is wider than `width` columns."""
    if text_width(text) <= width:
        return text
    room = width - text_width(ellipsis)
    kept = []
    for character in text:
        room -= character_width(character)
        if room < 0:
            break
        kept.append(character)
    return "".join(kept).rstrip() + ellipsis if width > text_width(ellipsis) else ellipsis[: max(width, 0)]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text with blanks to `width` columns, after it or (`right`) before it."""
    blanks = " " * (width - text_width(text))
    return blanks + text if right else text + blanks


def can_encode(text: str, encoding: str | None) -> bool:
    """Whether a stream with this encoding can show the text."""
    try:
        text.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
