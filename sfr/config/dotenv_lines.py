"""Explains lines of a `.env` file that were meant to set a variable but do not: one table of common mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sfr.odd_characters import describe_character, odd_character
from sfr.shapes import Shape, first_shape

#: A name that `${NAME}` can refer to.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

#: Ways of setting a variable that are not valid in a `.env` file; `what` follows "is ignored:".
LINE_SHAPES: tuple[Shape[str], ...] = (
    Shape(rf"\s*(?:set|setx|SET|SETX)\s+{_NAME}", "`set` is a Windows command"),
    Shape(rf"(?i)\s*\$\{{?env:\s*{_NAME}", "`$env:` is PowerShell syntax"),
    Shape(
        rf"\s*(?:setenv|declare|typeset|local|readonly|let|var|const|ENV|ARG)\s+(?:-\w+\s+)*{_NAME}",
        "it starts with a command",
    ),
    Shape(rf"\s*[-*]\s+[\"']?{_NAME}", "it starts with a dash, like a YAML list"),
    Shape(rf"\s*[\"']?{_NAME}[\"']?\s*:=", "there is more than `=` between name and value"),
    Shape(rf"\s*[\"']?{_NAME}[\"']?\s*:", "it has a colon instead of `=`"),
    Shape(rf"\s*\$\{{?{_NAME}", "the name starts with `$`"),
    Shape(rf"\s*(?:export\s+)?\"{_NAME}", "the name is in quotes"),
    Shape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*'[^']*\Z", "its quote (`'`) is not closed"),
    Shape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*\"[^\"]*\Z", 'its quote (`"`) is not closed'),
    Shape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*[\"']", "there is text after the closing quote"),
    Shape(rf"\s*export\s+{_NAME}\s*$", "`export` without `=` sets nothing here"),
    Shape(rf"\s*{_NAME}\s*$", "it has no `=`"),
    Shape(rf"\s*{_NAME}\s", "there is no `=` after the name"),
)


@dataclass(frozen=True, slots=True)
class IgnoredLine:
    """One or more lines that set no variable."""

    line: int
    reason: str
    #: May contain a secret: never shown in messages.
    text: str = field(repr=False)

    def names(self, name: str) -> bool:
        """Whether it contains a variable's name."""
        return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", self.text) is not None


def reason_of(text: str) -> str:
    """Why a line sets no variable, without quoting the line."""
    odd = odd_character(text.partition("=")[0].strip())
    if odd is not None:
        return f"its name holds {describe_character(odd)}, which is invisible"
    # Of lines that were skipped together, the first is the faulty one.
    shape = first_shape(LINE_SHAPES, text.lstrip("\r\n").rstrip())
    return shape.what if shape else "expected NAME=value"
