"""Finds values that were pasted with stray quotes, whitespace or invisible characters, for warnings."""

from __future__ import annotations

from sfr.odd_characters import describe_character, odd_character

#: Opening → closing, as keyboards, word processors and chats write them.
QUOTES = {
    '"': '"', "'": "'", "`": "`", "“": "”", "”": "”", "„": "“", "«": "»", "»": "«", "‘": "’", "’": "’", "‚": "‘",
    "‹": "›", "＂": "＂", "「": "」",
}  # fmt: skip


def doubt_about_value(value: str) -> str | None:
    """A warning, after the name, about quotes, whitespace or invisible characters; never quotes the value."""
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        return f"begins and ends with quotes ({value[0]} and {value[-1]}), which are part of the value"
    if value != value.strip(" \t\r\n"):
        end = "a line end" if value.endswith(("\n", "\r")) else "a blank"
        return f"begins or ends with {end}, which is part of the value"
    odd = odd_character(value.replace("\r\n", "").replace("\n", ""))
    if odd is None:
        return None
    if odd.isascii():
        return (
            f"holds {describe_character(odd)}, which is part of the value (in double quotes a .env file "
            "has escapes, such as `\\t` for a tab; use single quotes for a value with backslashes)"
        )
    return f"holds {describe_character(odd)}, which is invisible and part of the value"
