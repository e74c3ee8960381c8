"""How messages quote texts of the user and of servers: nothing that a terminal would act on, and a near miss named."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sfr.escaping.invisible import escape_invisible

#: Longer texts are cut in messages.
LONGEST_SHOWN = 80


def shown(text: str, longest: int = LONGEST_SHOWN) -> str:
    """The text with control, bidirectional and other invisible characters escaped, cut if it is very long."""
    escaped = escape_invisible(text[: longest + 1])
    return escaped if len(escaped) <= longest else f"{escaped[:longest]}…"


def quoted(text: str, longest: int = LONGEST_SHOWN) -> str:
    """`shown` between single quotes."""
    return f"'{shown(text, longest)}'"


def said(text: str, longest: int = LONGEST_SHOWN) -> str:
    """`shown` for what a server or program says: cut between words.

    It may repeat a credential, of which a part that was cut off could not be told and masked any more.
    """
    words = shown(text, longest)
    return words if len(words) <= longest else f"{words[:longest].rpartition(' ')[0]} …".lstrip()


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`; did you mean `x`?` for the choice nearest to a word, or nothing if none is near."""
    by_folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(word.casefold()[:LONGEST_SHOWN], by_folded, n=1, cutoff=0.6)
    return f"; did you mean `{by_folded[near[0]]}`?" if near else ""


def listed(choices: Iterable[str]) -> str:
    """The choices as a message names them: `a`, `b`, `c`."""
    return ", ".join(f"`{choice}`" for choice in choices)
