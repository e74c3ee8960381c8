"""Expands `~` in paths that users wrote, and rejects strings that are paths only elsewhere.

The only place where options, command line and report lists turn strings into paths. Does not access files.
"""

from __future__ import annotations

import os
import re
import sys

from sfr.odd_characters import describe_character, odd_character
from sfr.shapes import Shape, first_shape
from sfr.wording import shown

_NO_DIRECTORY = "directories are separated by `/`"

#: Forms of paths used elsewhere: in shells, on Windows, on the web. Here they would become literal names.
#: `what` is expected instead.
NOT_PATHS: tuple[Shape[str], ...] = (
    Shape(
        r"[A-Za-z][A-Za-z0-9+.-]+:/[/]",
        "a path on this machine, not a URL; mount remote storage, and use the path of the mount",
    ),
    Shape(
        r"[A-Za-z]:(?:[\\/]|$)",
        "a path on this machine, which has no drive letters; use the path of the mount, such as /mnt/c/reports",
    ),
    Shape(
        r"(?:\\\\|//)[^/\\]",
        "a path that starts with one slash; mount a network share (`\\\\server\\share`) first, and use the path of the "
        "mount, such as /mnt/share",
    ),
    Shape(
        r"(?s).*\$(?:[A-Za-z_{(])",
        "a path without `$`: only the configuration expands variables, as `${NAME}`; `~` is the home directory "
        "everywhere",
    ),
    Shape(
        r".*%[A-Za-z_]{2}[A-Za-z0-9_()]*%",
        "a path without `%NAME%`, which is Windows syntax for a variable",
    ),
    Shape(r".*`", "a path without backquotes: commands are not run"),
    Shape(
        r".*(?:%[-_0^#]?Y|(?:%[-_0^#]?[ymdHMSjbB][-_.]?){2})",
        "a path without `%Y`: dates are written in braces, {run_date:%Y%m%d}, in a report list",
    ),
    Shape(
        r".*\{[A-Za-z_]",
        "a path without braces: dates such as {run_date} are expanded in report lists and destinations only",
    ),
    Shape(
        # systemd writes a dash in the names of units, and so of their credentials, as \x2d.
        r"(?s).*\\(?!x[0-9a-f]{2})",
        f"a path without backslashes: {_NO_DIRECTORY}, and spaces need no escape",
    ),
    Shape(
        r"(?s)(?:\".*\"|'.*'|[“”„«»‘’‚‹›＂].*[“”„«»‘’‚‹›＂])$",
        "a path without quotes around it",
    ),
    Shape(r".+/~(?:/|$)", "a path with `~` only at its start; elsewhere it is not expanded"),
    Shape(r"(?s)\s|.*\s$", "a path without leading or trailing whitespace"),
)


#: A date, or what is meant to be one: its checks are made where it is filled in.
_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
#: Fast path: most paths cannot match the table.
_PLAIN = re.compile(r"(?!//)[A-Za-z0-9_./@+,=()#-]+(?: +[A-Za-z0-9_./@+,=()#-]+)*")


def expand_path(text: str) -> str:
    """The path with `~` and `~user` expanded, still relative or absolute as written.

    Raises ValueError, whose text says what is expected and quotes nothing. Empty strings are left to the caller.
    """
    if _PLAIN.fullmatch(text):
        return text
    odd = odd_character(text)
    if odd is not None:
        raise ValueError(_expected_without(odd))
    shape = first_shape(NOT_PATHS, text)
    if shape is not None:
        raise ValueError(shape.what)
    unencodable = unencodable_character(text)
    if unencodable is not None:
        raise ValueError(expected_encodable(unencodable))
    if not text.startswith("~"):
        return text
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        raise ValueError("`~` or `~` and the name of a user of this machine (`./~name` for a directory of that name)")
    return expanded


def absolute_path(text: str) -> str:
    """`expand_path`, made absolute from the working directory and normalized."""
    return os.path.abspath(expand_path(text))


def absolute_path_with_dates(text: str) -> str:
    """The same for a path that may hold dates such as `{run_date}`, which are left as they are."""
    absolute_path(_PLACEHOLDER.sub("date", text))
    return os.path.abspath(os.path.expanduser(text))


def _expected_without(character: str) -> str:
    if ord(character) < 32 or 0x7F <= ord(character) < 0xA0:
        return f"a path without control characters ({describe_character(character)})"
    return f"a path without invisible characters ({describe_character(character)})"


def unencodable_character(text: str) -> str | None:
    """The first character that cannot be encoded in file names in Python's current locale."""
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        return text[error.start]
    return None


def expected_encodable(character: str) -> str:
    """What is expected where `unencodable_character` found something."""
    return (
        f"characters that file names can hold in the locale's encoding, {sys.getfilesystemencoding()}, and "
        f"'{shown(character)}' ({describe_character(character)}) is not one; run SFR with LC_ALL=C.UTF-8 or "
        "PYTHONUTF8=1"
    )
