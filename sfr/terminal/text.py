"""Makes text displayable: nothing invisible, and nothing that the stream's encoding lacks.

Independent of log records and reports.
"""

from __future__ import annotations

from sfr.escaping.invisible import escape_invisible
from sfr.terminal.figures import UNKNOWN, UNKNOWN_ASCII

#: Replacements for characters that an encoding may lack.
_PLAIN: dict[int, str] = {ord(UNKNOWN): UNKNOWN_ASCII, ord("…"): "~", ord("→"): "->", ord("·"): ","}


def printable(text: str, encoding: str | None) -> str:
    """The text as a stream of this encoding can show it, on one line: controls and the rest as escapes."""
    return encodable(escape_invisible(text), encoding)


def encodable(text: str, encoding: str | None) -> str:
    """The text as a stream of this encoding can show it; what it cannot show becomes ASCII or an escape."""
    try:
        text.encode(encoding or "ascii")
    except LookupError:
        return encodable(text, "ascii")
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")
    return text
