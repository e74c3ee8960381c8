"""How wide a terminal shows text, and text cut or filled to a width. Invisible characters are expected to be escaped.

Knows nothing of log records or reports.
"""

from __future__ import annotations

import unicodedata


def character_width(character: str) -> int:
    """Columns of a terminal that the character takes: 0, 1 or 2."""
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1


def text_width(text: str) -> int:
    """Columns of a terminal that the text takes."""
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
