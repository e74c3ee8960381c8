"""Values of variables that were pasted with more than was meant: for warnings, which never quote the value."""

from __future__ import annotations

from sfr.odd_characters import describe_character, odd_character

#: Opening → closing, as keyboards, word processors and chats write them.
QUOTES = {
    '"': '"', "'": "'", "`": "`", "“": "”", "”": "”", "„": "“", "«": "»", "»": "«", "‘": "’", "’": "’", "‚": "‘",
    "‹": "›", "＂": "＂", "「": "」",
}  # fmt: skip


def doubt_about_value(value: str) -> str | None:
    """What is odd about a value, after its name: quotes around it, blanks, characters that cannot be seen."""
    if len(value) > 1 and QUOTES.get(value[0]) == value[-1]:
        return f"begins and ends with quotes ({value[0]} and {value[-1]}), which are taken as a part of the value"
    if value != value.strip(" \t\r\n"):
        end = "a line end" if value.endswith(("\n", "\r")) else "a blank"
        return f"begins or ends with {end}, which is taken as a part of the value"
    odd = odd_character(value.replace("\r\n", "").replace("\n", ""))
    if odd is None:
        return None
    if odd.isascii():
        return (
            f"holds {describe_character(odd)}, which is taken as a part of the value (in double quotes a .env file "
            "has escapes, such as `\\t` for a tab; put a value with backslashes into single quotes)"
        )
    return f"holds {describe_character(odd)}, which cannot be seen, and is taken as a part of the value"
