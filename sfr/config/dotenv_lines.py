"""Lines of a `.env` file that set no variable, though they were meant to: one table of what people write instead."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from sfr.odd_characters import describe_character, odd_character

#: A name that `${NAME}` can refer to.
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class LineShape:
    """A way to write a variable that belongs elsewhere."""

    pattern: str
    #: What it is, after "is ignored:".
    what: str


_NAME = r"[A-Za-z_][A-Za-z0-9_]*"

#: The first entry whose pattern fits the beginning of the line counts.
LINE_SHAPES: tuple[LineShape, ...] = (
    LineShape(rf"\s*(?:set|setx|SET|SETX)\s+{_NAME}", "`set` is a command of Windows' command line"),
    LineShape(rf"(?i)\s*\$\{{?env:\s*{_NAME}", "`$env:` is PowerShell's"),
    LineShape(
        rf"\s*(?:setenv|declare|typeset|local|readonly|let|var|const|ENV|ARG)\s+(?:-\w+\s+)*{_NAME}",
        "it begins with a command",
    ),
    LineShape(rf"\s*[-*]\s+[\"']?{_NAME}", "it begins with a dash, as a list in YAML does"),
    LineShape(rf"\s*[\"']?{_NAME}[\"']?\s*:=", "there is more than `=` between name and value"),
    LineShape(rf"\s*[\"']?{_NAME}[\"']?\s*:", "there is a colon where `=` belongs"),
    LineShape(rf"\s*\$\{{?{_NAME}", "the name begins with `$`"),
    LineShape(rf"\s*(?:export\s+)?\"{_NAME}", "the name stands in quotes"),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*'[^']*\Z", "its quote (`'`) is not closed"),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*\"[^\"]*\Z", 'its quote (`"`) is not closed'),
    LineShape(rf"\s*(?:export\s+)?{_NAME}\s*=\s*[\"']", "there is text after the closing quote"),
    LineShape(rf"\s*export\s+{_NAME}\s*$", "`export` without `=` sets nothing here"),
    LineShape(rf"\s*{_NAME}\s*$", "it has no `=`"),
    LineShape(rf"\s*{_NAME}\s", "there is no `=` after the name"),
)


@dataclass(frozen=True, slots=True)
class IgnoredLine:
    """A line, or several, that set no variable."""

    line: int
    reason: str
    #: May hold a secret: not for messages.
    text: str = field(repr=False)

    def names(self, name: str) -> bool:
        """Whether a variable's name stands in it."""
        return re.search(rf"(?<![A-Za-z0-9_]){re.escape(name)}(?![A-Za-z0-9_])", self.text) is not None


def reason_of(text: str) -> str:
    """Why a line sets no variable. The text of the line is not in it."""
    odd = odd_character(text.partition("=")[0].strip())
    if odd is not None:
        return f"its name holds {describe_character(odd)}, which cannot be seen"
    # Of lines that were passed over together, the first is the one that went wrong.
    first = text.lstrip("\r\n").rstrip()
    return next((shape.what for shape in LINE_SHAPES if re.match(shape.pattern, first)), "expected NAME=value")
