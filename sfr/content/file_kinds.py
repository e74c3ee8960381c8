"""The kinds of file that come in place of a CSV, recognised by their first bytes: one table, with what to do.

Looks at bytes only. What a plain text means is for `answer_texts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from sfr.content.header import start_of_text
from sfr.errors import ODD_ANSWER_REMEDY, REMEDIES, ErrorKind

#: As much of a body's start as is looked at.
OPENING_BYTES = 1024
_WORKBOOK_REMEDY = (
    "Ask for `xf=csv` in `optional_export_params`; if the row does, look for a proxy or gateway that changes answers."
)
#: Bytes that text in no encoding SFR reads is made of: C0 controls less TAB, LF, VT, FF, CR and ESC (ISO-2022-JP).
_NEVER_IN_TEXT = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\n\v\f\r\x1b")


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file, which no other attempt turns into a CSV, unless its text says that it passes."""

    #: With its article, as a message names it.
    name: str
    #: What the file begins with, one of these.
    openings: tuple[bytes, ...]
    #: What the user can do.
    remedy: str = ODD_ANSWER_REMEDY
    #: True for a text: a byte order mark and blanks may come first.
    is_text: bool = False
    #: True for a text that is worth quoting as it is.
    is_quoted: bool = False


FILE_KINDS = (
    FileKind("an Excel workbook (xlsx) or another ZIP archive", (b"PK\3\4", b"PK\5\6", b"PK\7\x08"), _WORKBOOK_REMEDY),
    FileKind(
        "an Excel workbook (xls) or another document of old Office programs",
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x09\x08\x10\0", b"\x09\x08\x08\0", b"\x09\4\6\0", b"\x09\2\6\0"),
        _WORKBOOK_REMEDY,
    ),
    FileKind("gzip data beyond what its Content-Encoding says", (b"\x1f\x8b",)),
    FileKind("a zlib (deflate) stream", (b"x\x9c", b"x\1")),
    FileKind("zstd data", (b"\x28\xb5\x2f\xfd",)),
    FileKind("bzip2 data", tuple(b"BZh%d1AY&SY" % level for level in range(1, 10))),
    FileKind("xz data", (b"\xfd7zXZ\0",)),
    FileKind("a 7z archive", (b"7z\xbc\xaf\x27\x1c",)),
    FileKind("a RAR archive", (b"Rar!\x1a\7",)),
    FileKind("a PDF document", (b"%PDF-",), is_text=True),
    FileKind("a PostScript document", (b"%!PS-",), is_text=True),
    FileKind("an RTF document", (b"{\\rtf",), is_text=True),
    FileKind(
        "an image",
        (
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"GIF87a",
            b"GIF89a",
            b"II*\0",
            b"MM\0*",
            b"\0\0\1\0",
            b"\0\0\0\x1cftypavif",
            b"\0\0\0\x20ftypavif",
        ),
    ),
    FileKind("a program", (b"\x7fELF", b"MZ\x90\0", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe")),
    FileKind("an SQLite database", (b"SQLite format 3\0",)),
    FileKind(
        "text in UTF-16 or UTF-32, which SFR does not read",
        (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff"),
        "Ask for `enc=UTF-8` in `optional_export_params`.",
    ),
    FileKind("an XML document", (b"<?xml",), REMEDIES[ErrorKind.NOT_CSV], is_text=True, is_quoted=True),
    FileKind("a web page (HTML or XML)", (b"<",), REMEDIES[ErrorKind.NOT_CSV], is_text=True),
    FileKind("JSON", (b"{", b"[{"), REMEDIES[ErrorKind.NOT_CSV], is_text=True, is_quoted=True),
)
"""The first one that fits counts."""


def file_kind(head: bytes) -> FileKind | None:
    """What the file that begins with `head` is; None for a text that may be a CSV, and for what the table lacks."""
    if head[:1] == b'"':
        return None
    text = head[start_of_text(head) :].lstrip()
    if text[:1] == b"[":
        text = b"[" + text[1:].lstrip()
    return next((each for each in FILE_KINDS if (text if each.is_text else head).startswith(each.openings)), None)


def is_binary(head: bytes) -> bool:
    """Whether the body's start holds bytes that no text is made of."""
    opening = head[:OPENING_BYTES]
    return len(opening.translate(None, _NEVER_IN_TEXT)) != len(opening)
