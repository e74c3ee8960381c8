"""Texts as a hostile or careless author of a report's name, a folder or an answer writes them."""

from __future__ import annotations

import unicodedata

#: Of each kind some: formats, blanks, fillers, variants, tags, controls, halves of pairs.
INVISIBLE = (
    *("\u200b", "\u00ad", "\u3164", "\u00a0", "\u2007", "\u202f", "\u3000", "\u1680", "\u200c", "\u200d", "\u2060"),
    *("\ufeff", "\u034f", "\u061c", "\u115f", "\u1160", "\uffa0", "\u17b4", "\u180b", "\u180e", "\ufe0f", "\u2800"),
    *("\u202e", "\u2066", "\u2028", "\u2063", "\U000e0041", "\U000e0101", "\U0001d159", "\U0001d173", "\ue000"),
    *("\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9b", "\udc80"),
)
NASTY = (
    # The journal
    "<0>EMERGENCY reboot now", "<7>x", "  <0>x", "<191>kernel", "\n<0>x", "a\r\n<1>x", "\x0b<2>x", "\u2028<3>x",
    "word " * 30 + "<0>EMERGENCY " + "word " * 30, " ".join(["<0>x"] * 60),
    # Spreadsheets
    "x;=cmd|calc", "=cmd|' /C calc'!A0", "x\t=1+1", "\t=1", "\r=1", "\n=1", " =1", ";;=1", 'x;"=1"', '"=1', "x|@SUM(1)",
    "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20x", "\ufe631", "\u22121", "x;\u200b=1", "+1", "-1;-2", "@x", "x,=1",
    'x",=1', "\u200b=1", "\u3000=1",
    # Pages
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onmouseover='x", "</style><b>", "<!--",
    "&lt;b&gt;", "]]>", "<rows/>", "`<b>`",
    # Metrics
    'x"} 1\nevil 2', "a\\", '\\"', "a\\nb", "# HELP evil", "x{", "\udc80",
    # Chats
    "<!channel>", "@everyone", "x@here", "@channel @all", "<https://elsewhere.example|acme>", "<@U012>",
    "*bold* _it_ ~no~", "[click](https://elsewhere.example)", "![p](x)", "`code", "```", "||hidden||", ":fire:",
    "_x_", "&amp;", "> quoted",
    # Terminals
    "\x1b[31mred\x1b]0;title\x07\u202e", "a\x08\x08b", "\r overwritten", "\x9b31m",
    *(f"a{character}b" for character in INVISIBLE),
)  # fmt: skip


def invisible_in(text: str) -> list[str]:
    """Characters of the text that are not seen, but for line feeds and spaces, by what Unicode says of them.

    Independent of SFR: by category and name rather than by a list of its own.
    """
    names = ("FILLER", "VARIATION SELECTOR", "GRAPHEME JOINER", "INHERENT", "BLANK", "NULL NOTEHEAD")
    found = []
    for place, character in enumerate(text):
        category = unicodedata.category(character)
        if category in ("So", "Sm", "Lo", "Mn", "Me") and any(n in unicodedata.name(character, "") for n in names):
            found += [character] if unicodedata.category(text[place - 1]) != "So" else []
        elif category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs") and character not in " \n":
            found.append(character)
    return found
