"""Characters that nobody sees, or takes for an ordinary blank: one table, and where one of them has a meaning. Pure.

Pasted from web pages, mails and spreadsheets they make two names that look alike, or a path that nobody finds again.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from functools import cache


class Allowed(Enum):
    """Where a character of the table is part of the writing."""

    NEVER = "never"
    #: Between two characters, after one that changes its form: a caseless letter, a mark, a symbol (Persian, emoji).
    JOINING = "joining"
    #: Directly after such a character, at the end too (`✔️`, variants of Chinese characters).
    AFTER = "after"
    #: Between two characters that are seen (the wide blank of Japanese text).
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class OddRange:
    """A range of code points, both ends included."""

    first: int
    last: int
    #: Whether it looks like a blank; otherwise like nothing at all.
    is_blank: bool = False
    allowed: Allowed = Allowed.NEVER


#: Unicode's Default_Ignorable_Code_Point, its separators other than U+0020, controls, noncharacters, and the letters
#: and symbols that are drawn as nothing (DerivedCoreProperties.txt and PropList.txt of Unicode 16).
ODD_RANGES: tuple[OddRange, ...] = (
    OddRange(0x0000, 0x001F),
    OddRange(0x007F, 0x009F),
    OddRange(0x00A0, 0x00A0, is_blank=True),  # no-break space
    OddRange(0x00AD, 0x00AD),  # soft hyphen
    OddRange(0x034F, 0x034F),
    OddRange(0x061C, 0x061C),  # direction
    OddRange(0x115F, 0x1160),  # Hangul fillers
    OddRange(0x1680, 0x1680, is_blank=True),
    OddRange(0x17B4, 0x17B5),
    OddRange(0x180B, 0x180D, allowed=Allowed.AFTER),  # variants of Mongolian letters
    OddRange(0x180E, 0x180E),
    OddRange(0x180F, 0x180F, allowed=Allowed.AFTER),
    OddRange(0x2000, 0x200A, is_blank=True),
    OddRange(0x200B, 0x200B),  # zero width space
    OddRange(0x200C, 0x200D, allowed=Allowed.JOINING),
    OddRange(0x200E, 0x200F),  # direction
    OddRange(0x2028, 0x2029, is_blank=True),
    OddRange(0x202A, 0x202E),  # direction
    OddRange(0x202F, 0x202F, is_blank=True),
    OddRange(0x205F, 0x205F, is_blank=True),
    OddRange(0x2060, 0x206F),
    OddRange(0x2800, 0x2800, is_blank=True),  # Braille without a dot
    OddRange(0x3000, 0x3000, is_blank=True, allowed=Allowed.BETWEEN),
    OddRange(0x3164, 0x3164),  # Hangul filler
    OddRange(0xFDD0, 0xFDEF),
    OddRange(0xFE00, 0xFE0F, allowed=Allowed.AFTER),  # variants
    OddRange(0xFEFF, 0xFEFF),  # byte order mark
    OddRange(0xFFA0, 0xFFA0),  # Hangul filler
    OddRange(0xFFF0, 0xFFFC),  # annotations, place of an object
    OddRange(0xFFFE, 0xFFFF),
    OddRange(0x16FE4, 0x16FE4),
    OddRange(0x1BCA0, 0x1BCA3),
    OddRange(0x1D159, 0x1D159),
    OddRange(0x1D173, 0x1D17A),
    OddRange(0xE0000, 0xE00FF),  # tags
    OddRange(0xE0100, 0xE01EF, allowed=Allowed.AFTER),  # variants of Chinese characters
    OddRange(0xE01F0, 0xE0FFF),
)

_BEFORE_VARIANT = frozenset({"So", "Sm", "Sk", "Po", "Pd", "Nd", "Lo", "Lm", "Mn", "Mc", "Me"})
_KEYCAPS = frozenset("#*0123456789")


@cache
def _odd() -> re.Pattern[str]:
    """Any character of the table; compiled when a text needs it, which few do."""
    ranges = (f"{re.escape(chr(each.first))}-{re.escape(chr(each.last))}" for each in ODD_RANGES)
    return re.compile(f"[{''.join(ranges)}]")


def odd_character(text: str) -> str | None:
    """The first character of the table that has no meaning where it stands; None if there is none."""
    if text.isascii() and text.isprintable():
        return None
    for match in _odd().finditer(text):
        if not _is_meant(text, match.start()):
            return match[0]
    return None


def describe_character(character: str) -> str:
    """`U+200B ZERO WIDTH SPACE`."""
    name = unicodedata.name(character, "")
    if not name:
        name = "a control character" if unicodedata.category(character) == "Cc" else "a character without a name"
    return f"U+{ord(character):04X} {name}"


def without_odd_characters(text: str) -> str:
    """The text as it looks: what looks like a blank as one, what looks like nothing left out."""
    if text.isascii() and text.isprintable():
        return text
    return _odd().sub(lambda match: " " if _range_of(match[0]).is_blank else "", text)


def _range_of(character: str) -> OddRange:
    code = ord(character)
    return next(each for each in ODD_RANGES if each.first <= code <= each.last)


def _is_meant(text: str, place: int) -> bool:
    allowed = _range_of(text[place]).allowed
    before, after = text[place - 1 : place], text[place + 1 : place + 2]
    if allowed is Allowed.NEVER or not before:
        return False
    if allowed is Allowed.AFTER:
        return _changes_form(before)
    if allowed is Allowed.JOINING:
        return _changes_form(before) and bool(after) and not _odd().match(after)
    return not (_odd().match(before) or before == " ") and bool(after.strip()) and not _odd().match(after)


def _changes_form(character: str) -> bool:
    """Whether a joiner or a variant after this character may mean something."""
    if character.isascii():
        return character in _KEYCAPS
    if _odd().match(character) and _range_of(character).allowed is not Allowed.AFTER:
        return False
    return unicodedata.category(character) in _BEFORE_VARIANT
