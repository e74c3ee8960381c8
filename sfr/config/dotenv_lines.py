"""Explains lines of a `.env` file that were meant to set a variable but do not: one table of common mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sfr.odd_characters import describe_character, odd_character

#: A name that `${NAME}` can refer to.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class LineShape:
    """A way of setting a variable that is not valid in a `.env` file."""

    pattern: str
    #: The reason, after "is ignored:".
    what: str


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

#: The first entry whose pattern matches the start of the line applies.
LINE_SHAPES: tuple[LineShape, ...] = (
    LineShape(rf"\s*(?:set|setx|SET|SETX)\s+{_NAME}", "`set` is a Windows command"),
    LineShape(rf"(?i)\s*\$\{{?env:\s*{_NAME}", "`$env:` is PowerShell syntax"),
    LineShape(
        rf"\s*(?:setenv|declare|typeset|local|readonly|let|var|const|ENV|ARG)\s+(?:-\w+\s+)*{_NAME}",
        "it starts with a command",
    ),
    LineShape(rf"\s*[-*]\s+[\"']?{_NAME}", "it starts with a dash, like a YAML list"),
    LineShape(rf"\s*[\"']?{_NAME}[\"']?\s*:=", "there is more than `=` between name and value"),
    LineShape(rf"\s*[\"']?{_NAME}[\"']?\s*:", "it has a colon instead of `=`"),
    LineShape(rf"\s*\$\{{?{_NAME}", "the name starts with `$`"),
    LineShape(rf"\s*(?:export\s+)?\"{_NAME}", "the name is in quotes"),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*'[^']*\Z", "its quote (`'`) is not closed"),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*\"[^\"]*\Z", 'its quote (`"`) is not closed'),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*[\"']", "there is text after the closing quote"),
    LineShape(rf"\s*export\s+{_NAME}\s*$", "`export` without `=` sets nothing here"),
    LineShape(rf"\s*{_NAME}\s*$", "it has no `=`"),
    LineShape(rf"\s*{_NAME}\s", "there is no `=` after the name"),
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
    first = text.lstrip("\r\n").rstrip()
    return next((shape.what for shape in LINE_SHAPES if re.match(shape.pattern, first)), "expected NAME=value")
