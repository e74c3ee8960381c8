"""Decodes files that users write: configuration, `.env`, report list. Says what a file is that is no UTF-8 text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file that people save or copy under the name of a text file."""

    beginning: bytes
    #: What it is, after "it is".
    what: str
    #: Whether the bytes may be a text all the same, so that only a file in which they come first is meant.
    is_text: bool = False


#: The longest beginnings come first where one begins with another.
FILE_KINDS: tuple[FileKind, ...] = (
    FileKind(b"PK\x03\x04", "an Excel workbook, or another ZIP file"),
    FileKind(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old form (.xls)"),
    FileKind(b"\xff\xfe\x00\x00", "UTF-32 text"),
    FileKind(b"\x00\x00\xfe\xff", "UTF-32 text"),
    FileKind(b"\xff\xfe", 'UTF-16 text, which Excel and Notepad call "Unicode"'),
    FileKind(b"\xfe\xff", 'UTF-16 text, which Excel and Notepad call "Unicode"'),
    FileKind(b"\x1f\x8b", "a gzip file"),
    FileKind(b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    FileKind(b"%PDF-", "a PDF document"),
    FileKind(b"PAR1", "a Parquet file"),
    FileKind(b"SQLite format 3\x00", "an SQLite database"),
    FileKind(b"{\\rtf", "a document of a word processor (RTF)", is_text=True),
    FileKind(b"<?xml", "an XML document, such as an Excel XML spreadsheet", is_text=True),
    FileKind(b"<!doctype html", "a web page", is_text=True),
    FileKind(b"<html", "a web page", is_text=True),
    FileKind(b"<table", "a web page", is_text=True),
    FileKind(b"bplist0", "a property list"),
)

_LOOKED_AT_BYTES = 4096


class NotTextError(ValueError):
    """A file that is no UTF-8 text; its text is what follows the file's name in a message.

    line: where the first wrong byte is, from 1.
    """

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


def decode_text(raw: bytes) -> str:
    """The text of a file, less a byte order mark. Raises NotTextError."""
    kind = _kind_of(raw)
    if kind is not None and not kind.what.startswith("UTF-"):
        raise NotTextError(f"is no text: it is {kind.what}; save it as UTF-8 text", 1)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f" (it is {kind.what})" if kind else ""
        raise NotTextError(
            f"is not UTF-8 text (byte 0x{raw[error.start]:02x}); save it as UTF-8{what}", line
        ) from error
    if _looks_like_utf_16(raw):
        raise NotTextError("is not UTF-8 text; save it as UTF-8 (it is UTF-16 text without its mark)", 1)
    return text


def _kind_of(raw: bytes) -> FileKind | None:
    beginning = raw[:64].removeprefix(b"\xef\xbb\xbf")
    text = beginning.lstrip().lower()
    return next((kind for kind in FILE_KINDS if (text if kind.is_text else beginning).startswith(kind.beginning)), None)


def _looks_like_utf_16(raw: bytes) -> bool:
    """Whether every other byte is NUL, as in UTF-16 text of ASCII characters."""
    looked_at = raw[:_LOOKED_AT_BYTES]
    return len(looked_at) >= 8 and 2 * looked_at.count(0) >= len(looked_at) - 2
