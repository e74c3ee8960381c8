"""File names and directories of reports: which texts of a list may become one. Touches no file."""

from __future__ import annotations

import os
import unicodedata
from pathlib import PurePath

from sfr.wording import quoted

#: What file systems allow for one path component.
LONGEST_NAME_BYTES = 255


def _has_control_character(text: str) -> bool:
    return any(unicodedata.category(character) == "Cc" for character in text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_name(name: str, ending: str) -> None:
    """Check that name + "." + ending is one path component; raises ValueError, whose text says what is expected."""
    if not name:
        raise ValueError("is empty; expected the file's name without ending")
    if name in (".", ".."):
        raise ValueError(f"{quoted(name)} is a directory; expected the file's name without ending")
    if "/" in name or "\\" in name:
        raise ValueError(f"{quoted(name)} holds a slash or backslash; expected a name; directories go to report_path")
    if _has_control_character(name) or not _is_encodable(name):
        raise ValueError(f"{quoted(name)} holds a control character; expected printable text")
    size_bytes = len(f"{name}.{ending}".encode())
    if size_bytes > LONGEST_NAME_BYTES:
        raise ValueError(
            f"{quoted(name, 40)} makes a file name of {size_bytes} bytes, ending included; "
            f"expected {LONGEST_NAME_BYTES} at most"
        )


def check_directory(path: str) -> str:
    """The absolute form of a list's report_path; raises ValueError, whose text says what is expected."""
    if ".." in PurePath(path).parts:
        raise ValueError(f"{quoted(path)} holds `..`; expected a path that goes down only")
    if _has_control_character(path) or not _is_encodable(path):
        raise ValueError(f"{quoted(path)} holds a control character; expected printable text")
    return os.path.abspath(path)


def folded(name: str) -> str:
    """What two names have in common that some file systems, and people, take for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
