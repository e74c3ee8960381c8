"""Text that a terminal shows as it is meant: no control characters, and none that its encoding lacks.

Knows nothing of log records or reports.
"""

from __future__ import annotations

import re

from sfr.terminal.figures import UNKNOWN, UNKNOWN_ASCII

#: What moves the cursor, changes colours, reorders or hides text: C0 and C1 controls, DEL, line separators, the signs
#: that turn the writing direction, and halves of surrogate pairs (undecodable bytes of a file name).
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL_IN_LINES = re.compile(_CONTROL.pattern.replace("\x00-\x1f", "\x00-\x08\x0b-\x1f"))
#: What a terminal may be unable to show, and what stands for it then.
_PLAIN: dict[int, str] = {ord(UNKNOWN): UNKNOWN_ASCII, ord("…"): "~", ord("→"): "->", ord("·"): ","}


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape", "surrogatepass").decode("ascii")


def escape_control(text: str, *, keep_lines: bool = False) -> str:
    r"""The text with every control character as an escape such as `\x1b`; `keep_lines` leaves tabs and line feeds."""
    return (_CONTROL_IN_LINES if keep_lines else _CONTROL).sub(_escape, text)


def printable(text: str, encoding: str | None) -> str:
    """Somebody's text as a stream of this encoding can show it, on one line: controls and the rest as escapes."""
    return encodable(escape_control(text), encoding)


def encodable(text: str, encoding: str | None) -> str:
    """The text as a stream of this encoding can show it; what it cannot show becomes ASCII or an escape."""
    try:
        text.encode(encoding or "ascii")
    except LookupError:
        return encodable(text, "ascii")
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding or "ascii", "backslashreplace").decode(encoding or "ascii")
    return text
