"""Proves that a file is a whole Excel workbook: a ZIP archive without damage, with at least one sheet.

Reads every part once, in constant memory. What the cells contain is not looked at.
"""

from __future__ import annotations

import os
import re

from sfr.errors import ErrorKind, ReportError
from sfr.processing.file_kinds import file_kind
from sfr.storage.trusted import open_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    import zipfile
    from collections.abc import Callable
    from typing import BinaryIO

ZIP_MAGIC = b"PK\3\4"
END_MAGIC, END_RECORD_BYTES = b"PK\5\6", 22
#: Stored and deflated; others could take any amount of memory.
COMPRESSIONS = (0, 8)
CONTENT_TYPES, WORKBOOK = "[Content_Types].xml", "xl/workbook.xml"
SHEETS = "xl/worksheets/"
#: Largest single read by the ZIP reader, which reads the whole central directory at once: thousands of parts, where
#: workbooks have a few dozen.
MAX_READ_BYTES = 1024 * 1024
#: Maximum of inflated bytes per byte of the file, beyond the floor. DEFLATE itself allows 1,032; empty cells give 300.
MAX_GROWTH = 400
GROWTH_FLOOR_BYTES = 1024 * 1024 * 1024
_BLOCK_BYTES = 64 * 1024
#: Of the list of sheets; more of it is not searched.
_MAX_SHEET_LIST_BYTES = 1024 * 1024
_SHEET = re.compile(rb"<(?:\w+:)?sheet[\s/]")
_SHEET_END = re.compile(rb"(?:</(?:\w+:)?worksheet|/)\s*>\s*\Z")
_REMEDY = "Use `format: csv` for this report."


def prove_workbook(path: str, *, is_framed: bool, on_step: Callable[[], None]) -> None:
    """Return if the file is a whole workbook.

    is_framed: whether HTTP showed that the body arrived as it was sent; without that, a damaged file counts as cut.
    on_step: called for every block read.
    Raises OSError, and ReportError: `invalid` for anything but a whole workbook (`truncated` if that may be the
    connection's fault), `empty` for an empty file, `guard` for one that inflates beyond any workbook's ratio.
    """
    import struct
    import zipfile
    import zlib

    with open(open_own(path), "rb") as file:
        head = file.read(1024)
        if not head.startswith(ZIP_MAGIC):
            raise _no_archive(head)
        try:
            with zipfile.ZipFile(_BoundedReads(file)) as archive:
                _check_end(file, len(archive.comment))
                _check_parts(archive, os.fstat(file.fileno()).st_size, on_step)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, KeyError, RuntimeError) as error:
            # RuntimeError: an encrypted part.
            raise _damaged(str(error), is_framed=is_framed) from error


class _BoundedReads:
    """A file for the ZIP reader that refuses reads that no workbook needs."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        if size > MAX_READ_BYTES:
            raise ValueError(f"a part of {size:,} bytes would have to be read at once")
        return self._file.read(MAX_READ_BYTES if size < 0 else size)


def _check_end(file: BinaryIO, comment_bytes: int) -> None:
    """The end record has to be the file's end: the ZIP reader would accept anything after it."""
    file.seek(-END_RECORD_BYTES - comment_bytes, os.SEEK_END)
    if file.read(len(END_MAGIC)) != END_MAGIC:
        raise ValueError("something follows its end")


def _check_parts(archive: zipfile.ZipFile, file_bytes: int, on_step: Callable[[], None]) -> None:
    parts = archive.infolist()
    names = [part.filename for part in parts]
    _check_names(names)
    # With equal offsets Python 3.14 would print a warning before it finds the archive damaged.
    offsets = {part.header_offset for part in parts}
    is_overlapping = len(offsets) < len(parts) or sum(part.compress_size for part in parts) > file_bytes
    if is_overlapping or min(offsets):
        raise ValueError("its parts overlap, or something precedes them")
    if any(part.compress_type not in COMPRESSIONS for part in parts):
        raise ValueError("a part is compressed in a way that workbooks do not use")
    inflated_bytes = 0
    sheets = b""
    for part in parts:
        end = b""
        with archive.open(part) as content:
            while block := content.read(_BLOCK_BYTES):
                on_step()
                inflated_bytes += len(block)
                if inflated_bytes > GROWTH_FLOOR_BYTES and inflated_bytes > MAX_GROWTH * file_bytes:
                    raise _ratio_exceeded(file_bytes, inflated_bytes)
                end = (end + block)[-64:]
                if part.filename == WORKBOOK and len(sheets) < _MAX_SHEET_LIST_BYTES:
                    sheets += block
        if part.filename.startswith(SHEETS) and part.filename.endswith(".xml") and not _SHEET_END.search(end):
            raise ValueError(f"the sheet {part.filename!r:.80} has no end")
    if not _SHEET.search(sheets):
        raise ValueError("its list of sheets is empty")


def _check_names(names: list[str]) -> None:
    folded = {name.casefold() for name in names}
    if len(folded) != len(names):
        raise ValueError("two of its parts have one name")
    if any(name.startswith("/") or "\\" in name or ".." in name.split("/") for name in names):
        raise ValueError("a part's name leads out of the archive")
    if not {CONTENT_TYPES.casefold(), WORKBOOK} <= folded or not any(name.startswith(SHEETS) for name in folded):
        raise ValueError("it has no workbook, or no sheet in it")


def _no_archive(head: bytes) -> ReportError:
    if not head.strip():
        return ReportError(
            ErrorKind.EMPTY,
            "The answer is empty, which Salesforce sends when the report takes too long.",
            remedy="Narrow the report's filters, or run it at a quieter time.",
        )
    kind = file_kind(head)
    what = kind.name if kind is not None else "a text" if head.isascii() else "a file of another kind"
    return ReportError(ErrorKind.INVALID, f"The answer is {what}, but a workbook was expected.", remedy=_REMEDY)


def _damaged(reason: str, *, is_framed: bool) -> ReportError:
    kind = ErrorKind.INVALID if is_framed else ErrorKind.TRUNCATED
    text = reason.rstrip(".")
    return ReportError(kind, f"Salesforce's workbook is not whole: {text[:200]}.", remedy=_REMEDY)


def _ratio_exceeded(file_bytes: int, inflated_bytes: int) -> ReportError:
    return ReportError(
        ErrorKind.GUARD,
        f"The {file_bytes:,} bytes of the workbook inflated to more than {inflated_bytes - 1:,}, a ratio above"
        f" {MAX_GROWTH} to 1, which no report has.",
        remedy=_REMEDY,
    )
