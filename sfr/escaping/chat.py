"""Escapes text for chat programs, so that a report's name calls nobody, hides no link and is shown as it is written.

One text goes to Slack, Mattermost, Teams and whatever else takes such webhooks. They share no escape, so beside Slack's
three entities, a look-alike replaces each character that one of them acts on. Addresses stay: they show where they
lead, and people copy them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.escaping.invisible import escape_invisible


@dataclass(frozen=True, slots=True)
class Special:
    """What chat programs act on, and what is sent instead."""

    pattern: re.Pattern[str]
    stand_in: str


def _special(pattern: str, stand_in: str) -> Special:
    return Special(re.compile(pattern, re.IGNORECASE), stand_in)


SPECIALS = (
    # Slack: entities, `<!channel>`, `<@U012>`, `<https://elsewhere|text>`; Teams: HTML. Slack documents these three.
    _special("&", "&amp;"),
    _special("<", "&lt;"),
    _special(">", "&gt;"),
    # Mentions: at a word's start, and Discord's anywhere. An e-mail address stays.
    _special(r"(?<!\w)@|@(?=everyone|here|channel|all)", "\uff20"),
    # Markdown: code, bold, struck out (in Mattermost also a channel), spoiler and table, links and pictures.
    _special("`", "'"),
    _special(r"\*", "\u2217"),
    _special("~", "\u223c"),
    _special(r"\|", "\u2223"),
    _special(r"\](?=[(\[])", "\uff3d"),
    # Italics: only at a word's edge, so that `open_pipeline_2026` stays.
    _special(r"(?<![^\W_])_|_(?![^\W_])", "\uff3f"),
    # Pictures by name: `:fire:`.
    _special(r":(?=[\w+-]*[a-z][\w+-]*:)", "\u2236"),
)


def chat_text(text: str) -> str:
    """One line of text that every chat program shows, and none acts on."""
    shown = escape_invisible(text)
    for special in SPECIALS:
        shown = special.pattern.sub(special.stand_in, shown)
    return shown
