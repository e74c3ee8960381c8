"""File names and directories of reports: which texts of a list may become one. Touches no file."""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import PurePath

from sfr.config.path_text import absolute_path, expected_encodable, unencodable_character
from sfr.odd_characters import describe_character, odd_character, without_odd_characters
from sfr.wording import quoted

#: What file systems allow for one path component.
LONGEST_NAME_BYTES = 255
#: Bytes of a name that SFR makes itself, so that an id and the longest ending fit in too.
LONGEST_SAFE_NAME_BYTES = 200
#: Slashes end a path component, braces begin a date in a report list.
_REPLACED = str.maketrans(dict.fromkeys("/\\{}", "_"))
#: Endings of formats, which a name must not have: the file gets it.
_ANY_ENDING = re.compile(r"(?<=.)\.(?:csv|gz|zst|jsonl|parquet|xlsx)$", re.IGNORECASE)

_NO_BREAK_BLANK = re.compile(r"(?<=\S)[\u00a0\u202f](?=\S)")


def _has_control_character(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


def _check_printable(text: str) -> None:
    """Raises ValueError for control characters, and for bytes of the command line that are no text."""
    if _has_control_character(text):
        raise ValueError(f"{quoted(text)} holds a control character; expected printable text")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"{quoted(text)} holds a control character, or a byte that is no text in the locale's encoding, "
            f"{sys.getfilesystemencoding()}; "
            "expected UTF-8, and SFR run with LC_ALL=C.UTF-8 or PYTHONUTF8=1"
        ) from error


def check_name(name: str, ending: str) -> None:
    """Check that name + "." + ending is one path component; raises ValueError, whose text says what is expected."""
    if not name:
        raise ValueError("is empty; expected the file's name without ending")
    if name in (".", ".."):
        raise ValueError(f"{quoted(name)} is a directory; expected the file's name without ending")
    if "/" in name or "\\" in name:
        raise ValueError(f"{quoted(name)} holds a slash or backslash; expected a name; directories go to report_path")
    _check_printable(name)
    _check_visible(name)
    if name != name.strip():
        raise ValueError(f"{quoted(name)} begins or ends with a blank; expected a name without")
    own = _own_ending(name, ending)
    if own:
        raise ValueError(
            f"{quoted(name)} ends with `{own}` already, and would become {quoted(f'{name}.{ending}')}; expected the "
            f"name without ending, {quoted(name[: -len(own)])}"
        )
    size_bytes = len(f"{name}.{ending}".encode())
    if size_bytes > LONGEST_NAME_BYTES:
        raise ValueError(
            f"{quoted(name, 40)} makes a file name of {size_bytes} bytes, ending included; "
            f"expected {LONGEST_NAME_BYTES} at most"
        )


def _check_visible(text: str) -> None:
    """Raises ValueError for what cannot be seen, and for what this machine's file names cannot hold.

    A no-break blank between two characters is part of French typography: `odd_names` warns of it.
    """
    odd = odd_character(_NO_BREAK_BLANK.sub(" ", text))
    if odd is not None:
        where = "ends with" if odd == text[-1] else "begins with" if odd == text[0] else "holds"
        raise ValueError(
            f"{quoted(text)} {where} {describe_character(odd)}, which cannot be told from a blank or from nothing; "
            "delete it, and type a blank where one is meant"
        )
    unencodable = unencodable_character(text)
    if unencodable is not None:
        raise ValueError(f"{quoted(text)}: expected {expected_encodable(unencodable)}")


def _own_ending(name: str, ending: str) -> str | None:
    """The part of the format's own ending with which a name ends: `.csv`, `.gz` or `.csv.gz` for `csv.gz`."""
    parts = ending.split(".")
    candidates = [
        f".{'.'.join(parts[first:last])}" for first in range(len(parts)) for last in range(len(parts), first, -1)
    ]
    return next(
        (name[-len(one) :] for one in candidates if name.casefold().endswith(one) and len(name) > len(one)), None
    )


def check_directory(path: str) -> str:
    """The absolute form of a list's report_path; raises ValueError, whose text says what is expected."""
    if ".." in PurePath(path).parts:
        raise ValueError(f"{quoted(path)} holds `..`; expected a path that goes down only")
    _check_printable(path)
    try:
        return absolute_path(path)
    except ValueError as error:
        raise ValueError(f"{quoted(path)} is no such path; expected {error}") from error


def safe_name(name: str) -> str:
    """The name as one path component that a report list takes; empty where nothing is left.

    `{}` and slashes become `_`, characters that cannot be seen a blank or nothing, an ending of a format is left out.
    """
    plain = "".join(
        "_" if unicodedata.category(character) in ("Cc", "Cs") else character for character in name.translate(_REPLACED)
    )
    if odd_character(plain) is not None:
        plain = without_odd_characters(plain)
    cut = plain.encode()[:LONGEST_SAFE_NAME_BYTES].decode(errors="ignore").strip()
    while odd_character(cut) is not None or _ANY_ENDING.search(cut):
        cut = _ANY_ENDING.sub("", without_odd_characters(cut)).strip()
    return "" if cut in (".", "..") else cut


def folded(name: str) -> str:
    """What two names have in common that some file systems, and people, take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", without_odd_characters(name)).casefold())


def lookalike(name: str) -> str:
    """What two names have in common that differ in width or style only, besides what `folded` says: `Ａ` and `A`."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", folded(name)).casefold())
