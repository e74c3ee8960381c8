"""From a text that a user wrote to a path: `~` is filled in, what would make a directory of that very name is refused.

The one place where options, command line and report lists turn texts into paths. Touches no file.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass

from sfr.odd_characters import describe_character, odd_character
from sfr.wording import shown


@dataclass(frozen=True, slots=True)
class NotAPath:
    """A shape that texts have elsewhere: in shells, on Windows, on the web. Here it would become a name."""

    #: What to look for.
    pattern: str
    #: What is expected in its place, after "expected".
    expected: str


_NO_DIRECTORY = "directories are separated by `/`"

#: Tried in this order.
NOT_PATHS: tuple[NotAPath, ...] = (
    NotAPath(
        r"[A-Za-z][A-Za-z0-9+.-]+:/[/]",
        "a path on this machine, not a URL; mount what is elsewhere, and write the mount's path",
    ),
    NotAPath(
        r"[A-Za-z]:(?:[\\/]|$)",
        "a path on this machine, which has no drive letters; write where the drive is mounted, such as /mnt/c/reports",
    ),
    NotAPath(
        r"(?:\\\\|//)[^/\\]",
        "a path that begins with one slash; a network share (`\\\\server\\share`) has to be mounted first, and goes by "
        "its mount's path, such as /mnt/share",
    ),
    NotAPath(
        r"(?s).*\$(?:[A-Za-z_{(])",
        "a path without `$`: only the configuration fills in variables, as `${NAME}`; `~` is the home directory "
        "everywhere",
    ),
    NotAPath(
        r".*%[A-Za-z_]{2}[A-Za-z0-9_()]*%",
        "a path without `%NAME%`: that is Windows' way to name a variable",
    ),
    NotAPath(r".*`", "a path without backquotes: no command is run in it"),
    NotAPath(
        r".*(?:%[-_0^#]?Y|(?:%[-_0^#]?[ymdHMSjbB][-_.]?){2})",
        "a path without `%Y`: dates are written in braces, {run_date:%Y%m%d}, in a report list",
    ),
    NotAPath(
        r".*\{[A-Za-z_]",
        "a path without braces: dates such as {run_date} are filled in in report lists only",
    ),
    NotAPath(
        # systemd writes a dash in the names of units, and so of their credentials, as \x2d.
        r"(?s).*\\(?!x[0-9a-f]{2})",
        f"a path without backslashes: {_NO_DIRECTORY}, and blanks need no sign before them",
    ),
    NotAPath(
        r"(?s)(?:\".*\"|'.*'|[“”„«»‘’‚‹›＂].*[“”„«»‘’‚‹›＂])$",
        "a path without quotes around it",
    ),
    NotAPath(r".+/~(?:/|$)", "a path in which `~` comes first, if at all; a path after it replaces nothing"),
    NotAPath(r"(?s)\s|.*\s$", "a path that neither begins nor ends with a blank"),
)


#: Most paths: nothing in them can fit the table.
_PLAIN = re.compile(r"(?!//)[A-Za-z0-9_./@+,=()#-]+(?: +[A-Za-z0-9_./@+,=()#-]+)*")


def expand_path(text: str) -> str:
    """The path that a text stands for, relative or absolute as it was written, `~` and `~user` replaced.

    Raises ValueError, whose text says what is expected and quotes nothing. Empty texts are the caller's to judge.
    """
    if _PLAIN.fullmatch(text):
        return text
    odd = odd_character(text)
    if odd is not None:
        raise ValueError(_expected_without(odd))
    for shape in NOT_PATHS:
        if re.match(shape.pattern, text):
            raise ValueError(shape.expected)
    unencodable = unencodable_character(text)
    if unencodable is not None:
        raise ValueError(expected_encodable(unencodable))
    if not text.startswith("~"):
        return text
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        raise ValueError("`~` or the name of a user of this machine after it (`./~name` for a directory so called)")
    return expanded


def absolute_path(text: str) -> str:
    """`expand_path`, from the working directory on where it is relative, and without `.` and `..`."""
    return os.path.abspath(expand_path(text))


def _expected_without(character: str) -> str:
    if ord(character) < 32 or 0x7F <= ord(character) < 0xA0:
        return f"a path without control characters ({describe_character(character)})"
    return f"a path without characters that cannot be seen ({describe_character(character)})"


def unencodable_character(text: str) -> str | None:
    """The first character that file names of this machine cannot hold, by the locale that Python runs in."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def expected_encodable(character: str) -> str:
    """What is expected where `unencodable_character` found something."""
    return (
        f"characters that file names can hold in the locale's encoding, {sys.getfilesystemencoding()}, and "
        f"'{shown(character)}' ({describe_character(character)}) is none; run SFR with LC_ALL=C.UTF-8 or PYTHONUTF8=1"
    )
