r"""Shows what a person cannot see or tell apart: each such character becomes an escape such as `\u200b`.

Every reader's rules build on this. Knows nothing of terminals, log records or reports.
"""

from __future__ import annotations

import re
import unicodedata

#: Printable to Python, but without a shape of their own: Unicode's Default_Ignorable_Code_Point and the blank letters
#: and symbols. All other such characters (controls, formats, blanks but the space, surrogates, private use) are
#: not printable to Python either.
_SHAPELESS = re.compile(
    "[\u034f"  # combining grapheme joiner
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers
    "\u17b4\u17b5"  # Khmer inherent vowels
    "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\u2800"  # Braille pattern without a dot
    "\U00016fe4\U0001d159]"  # Khitan filler, null notehead
)
#: These choose between the black and the coloured form of a symbol, which people do see.
_EMOJI_SELECTORS = "\ufe0e\ufe0f"
_SYMBOLS = ("So", "Sm")


def escape_invisible(text: str, *, keep_lines: bool = False) -> str:
    r"""The text with every character that has no shape, or looks like a space, as an escape (`\xa0`, `\u3164`, `\x1b`).

    keep_lines: leaves line feeds. Escaping twice changes nothing.
    """
    if keep_lines:
        return "\n".join(map(escape_invisible, text.split("\n")))
    if text.isprintable() and (text.isascii() or _SHAPELESS.search(text) is None):
        return text
    return "".join(
        character if _is_seen(character, text[place - 1 : place]) else _escape(character)
        for place, character in enumerate(text)
    )


def _is_seen(character: str, before: str) -> bool:
    if not character.isprintable():
        return False
    if _SHAPELESS.match(character) is None:
        return True
    is_after_symbol = bool(before) and unicodedata.category(before) in _SYMBOLS and _is_seen(before, "")
    return character in _EMOJI_SELECTORS and is_after_symbol


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
