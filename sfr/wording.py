"""Quotes texts of users and servers in messages, safely for terminals, and suggests near matches."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sfr.escaping.invisible import escape_invisible

#: Longer texts are truncated in messages.
MAX_SHOWN_CHARS = 80


def shown(text: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """The text with control, bidirectional and other invisible characters escaped, truncated if very long."""
    escaped = escape_invisible(text[: longest + 1])
    return escaped if len(escaped) <= longest else f"{escaped[:longest]}…"


def quoted(text: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """`shown` between single quotes."""
    return f"'{shown(text, longest)}'"


def shortened(text: str, longest: int = MAX_SHOWN_CHARS) -> str:
    """`shown` for the message of a server or program, truncated between words.

    It may contain a credential, which could not be recognised and masked if cut in the middle.
    """
    words = shown(text, longest)
    return words if len(words) <= longest else f"{words[:longest].rpartition(' ')[0]} …".lstrip()


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`; did you mean `x`?` for the choice closest to a word; empty if none is close."""
    by_folded = {choice.casefold(): choice for choice in choices}
    near = difflib.get_close_matches(word.casefold()[:MAX_SHOWN_CHARS], by_folded, n=1, cutoff=0.6)
    return f"; did you mean `{by_folded[near[0]]}`?" if near else ""


def listed(choices: Iterable[str]) -> str:
    """The choices in backquotes, for messages: `a`, `b`, `c`."""
    return ", ".join(f"`{choice}`" for choice in choices)


def how_to_install(extra: str) -> str:
    """The commands that install an extra, for the end of a message."""
    return (
        f"in a checkout scripts/setup .venv {extra}, on a server deploy/install.sh --extras {extra}, "
        f"otherwise pip install 'sfr[{extra}]'."
    )
