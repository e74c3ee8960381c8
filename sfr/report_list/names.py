"""Validates file names and directories of reports. Does not access the file system."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import PurePath

from sfr.odd_characters import describe_character, odd_character, without_odd_characters
from sfr.options.path_text import absolute_path, expected_encodable, unencodable_character
from sfr.wording import quoted

#: The limit of file systems for one path component.
MAX_NAME_BYTES = 255
#: The limit for generated names, so that an id and the longest extension fit in too.
MAX_SAFE_NAME_BYTES = 200
#: Slashes separate path components, braces enclose dates in a report list.
_REPLACED = str.maketrans(dict.fromkeys("/\\{}", "_"))
#: Extensions of formats, which names must not have, since they are appended.
_ANY_ENDING = re.compile(r"(?<=.)\.(?:csv|gz|zst|jsonl|parquet|xlsx)$", re.IGNORECASE)

_NO_BREAK_BLANK = re.compile(r"(?<=\S)[\u00a0\u202f](?=\S)")


def _has_control_character(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


def _check_printable(text: str) -> None:
    """Raise ValueError for control characters, and for undecodable bytes of the command line."""
    if _has_control_character(text):
        raise ValueError(f"{quoted(text)} contains a control character; expected printable text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{quoted(text)} contains a control character, or a byte that is invalid in the locale's encoding, "
            f"{sys.getfilesystemencoding()}; "
            "expected UTF-8, and SFR run with LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        ) from error


def check_name(name: str, ending: str) -> None:
    """Check that name + "." + ending is one path component; raises ValueError that says what is expected."""
    if not name:
        raise ValueError("is empty; expected the file's name without extension")
    if name in (".", ".."):
        raise ValueError(f"{quoted(name)} is a directory; expected the file's name without extension")
    if "/" in name or "\\" in name:
        raise ValueError(
            f"{quoted(name)} contains a slash or backslash; expected a name; directories belong in report_path"
        )
    _check_printable(name)
    _check_visible(name)
    if name != name.strip():
        raise ValueError(f"{quoted(name)} begins or ends with a space; expected a name without")
    own = _own_ending(name, ending)
    if own:
        raise ValueError(
            f"{quoted(name)} already ends with `{own}`, and would become {quoted(f'{name}.{ending}')}; expected the "
            f"name without extension, {quoted(name[: -len(own)])}"
        )
    size_bytes = len(f"{name}.{ending}".encode())
    if size_bytes > MAX_NAME_BYTES:
        raise ValueError(
            f"{quoted(name, 40)} makes a file name of {size_bytes} bytes, extension included; expected at most "
            f"{MAX_NAME_BYTES}"
        )


def _check_visible(text: str) -> None:
    """Raise ValueError for invisible characters, and for characters that file names on this machine cannot contain.

    A no-break space between two characters is common in French typography: `suspicious_names` warns about it.
    """
    odd = odd_character(_NO_BREAK_BLANK.sub(" ", text))
    if odd is not None:
        where = "ends with" if odd == text[-1] else "begins with" if odd == text[0] else "contains"
        raise ValueError(
            f"{quoted(text)} {where} {describe_character(odd)}, which is invisible or looks like a space; delete it, "
            "and type a space where one is meant"
        )
    unencodable = unencodable_character(text)
    if unencodable is not None:
        raise ValueError(f"{quoted(text)}: expected {expected_encodable(unencodable)}")


def _own_ending(name: str, ending: str) -> str | None:
    """The part of the format's extension that a name ends with: `.csv`, `.gz` or `.csv.gz` for `csv.gz`."""
    parts = ending.split(".")
    candidates = [
        f".{'.'.join(parts[first:last])}" for first in range(len(parts)) for last in range(len(parts), first, -1)
    ]
    return next(
        (name[-len(one) :] for one in candidates if name.casefold().endswith(one) and len(name) > len(one)), None
    )


def check_directory(path: str) -> str:
    """The absolute form of a list's report_path; raises ValueError that says what is expected."""
    if ".." in PurePath(path).parts:
        raise ValueError(f"{quoted(path)} contains `..`; expected a path without it")
    _check_printable(path)
    try:
        return absolute_path(path)
    except ValueError as error:
        raise ValueError(f"{quoted(path)} is not a valid path; expected {error}") from error


def safe_name(name: str) -> str:
    """The name as one path component that is valid in a report list; empty if nothing is left.

    `{}` and slashes become `_`, invisible characters become a space or are removed, extensions of formats are removed.
    """
    plain = "".join(
        "_" if unicodedata.category(character) in ("Cc", "Cs") else character for character in name.translate(_REPLACED)
    )
    if odd_character(plain) is not None:
        plain = without_odd_characters(plain)
    cut = plain.encode()[:MAX_SAFE_NAME_BYTES].decode(errors="ignore").strip()
    while odd_character(cut) is not None or _ANY_ENDING.search(cut):
        cut = _ANY_ENDING.sub("", without_odd_characters(cut)).strip()
    return "" if cut in (".", "..") else cut


def folded(name: str) -> str:
    """A key that is equal for names that some file systems, and people, consider the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", without_odd_characters(name)).casefold())


def lookalike(name: str) -> str:
    """A key that is equal for names that differ in width or style only, or by `folded`: `Ａ` and `A`."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded(name)).casefold())
