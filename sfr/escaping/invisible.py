r"""Makes invisible and ambiguous characters visible: each becomes an escape such as `\u200b`.

The rules for all targets build on this. Independent of terminals, log records and reports.
"""

from __future__ import annotations

import re
import unicodedata

#: Characters that Python considers printable but that have no shape: Unicode's Default_Ignorable_Code_Point and blank
#: letters and symbols. All others (controls, formats, spaces other than U+0020, surrogates, private use) are not
#: printable to Python either.
_SHAPELESS = re.compile(
    "[\u034f"  # combining grapheme joiner
    "\u115f\u1160\u3164\uffa0"  # Hangul fillers
    "\u17b4\u17b5"  # Khmer inherent vowels
    "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # variation selectors
    "\u2800"  # Braille pattern without a dot
    "\U00016fe4\U0001d159]"  # Khitan filler, null notehead
)
#: These select the monochrome or the coloured form of a symbol, which is visible.
_EMOJI_SELECTORS = "\ufe0e\ufe0f"
_SYMBOLS = ("So", "Sm")


def escape_invisible(text: str, *, keep_lines: bool = False) -> str:
    r"""The text with every character that has no shape, or looks like a space, as an escape (`\xa0`, `\u3164`, `\x1b`).

    keep_lines: keep line feeds. Idempotent.
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
