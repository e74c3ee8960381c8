"""Writes an Excel workbook of one sheet, piece by piece, in constant memory. Knows nothing of reports."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Final
from xml.sax.saxutils import escape

Value = str | int | float
#: Rows per piece of the sheet.
_BLOCK_ROWS: Final = 500
#: Characters that XML does not allow.
_NOT_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a sheet: its cells from the first column on."""

    values: Sequence[Value]
    is_bold: bool = False


def workbook_pieces(sheet_name: str, rows: Iterable[SheetRow]) -> Iterator[bytes]:
    """The bytes of the workbook."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in _parts(sheet_name).items():
            archive.writestr(_entry(name), _HEAD + content)
        with archive.open(_entry("xl/worksheets/sheet1.xml"), "w") as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
            for number, row in enumerate(rows, 1):
                sheet.write(_row_xml(number, row).encode())
                if number % _BLOCK_ROWS == 0:
                    yield sink.take()
            sheet.write(b"</sheetData></worksheet>")
    yield sink.take()


class _Sink(io.RawIOBase):
    """Where `zipfile` writes; it cannot seek back, as a connection cannot."""

    def __init__(self) -> None:
        self._pieces = bytearray()

    def writable(self) -> bool:
        """True."""
        return True

    def write(self, piece: bytes) -> int:  # type: ignore[override]  # RawIOBase accepts any buffer
        """Keep the piece until it is taken."""
        self._pieces += piece
        return len(piece)

    def take(self) -> bytes:
        """What was written since the last call."""
        taken = bytes(self._pieces)
        self._pieces.clear()
        return taken


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, time.gmtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _row_xml(number: int, row: SheetRow) -> str:
    style = ' s="1"' if row.is_bold else ""
    cells = "".join([_cell_xml(f"{_letters(at)}{number}", value, style) for at, value in enumerate(row.values)])
    return f'<row r="{number}">{cells}</row>'


def _cell_xml(place: str, value: Value, style: str) -> str:
    if not isinstance(value, str):
        return f'<c r="{place}"{style}><v>{value}</v></c>'
    text = escape(_NOT_XML.sub("", value))
    return f'<c r="{place}"{style} t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


@cache
def _letters(column: int) -> str:
    """The name of a column, from 0: A … Z, AA …"""
    above, last = divmod(column, 26)
    return (_letters(above - 1) if above else "") + chr(ord("A") + last)


def _parts(sheet_name: str) -> dict[str, str]:
    """Everything but the sheet itself."""
    allowed = "".join(" " if character in "[]:*?/\\" else character for character in sheet_name)
    name = escape(allowed[:31], {'"': "&quot;"})
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
            f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
            "</Types>"
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "docProps/core.xml": (
            f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f'<dcterms:created xsi:type="dcterms:W3CDTF">{now}</dcterms:created></cp:coreProperties>'
        ),
        "xl/workbook.xml": (
            f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
            f'<sheet name="{name}" sheetId="1" r:id="rId1"/></sheets></workbook>'
        ),
        "xl/_rels/workbook.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>'
        ),
        "xl/styles.xml": (
            f'<styleSheet xmlns="{_MAIN}"><fonts count="2"><font><sz val="11"/><name val="Calibri"/></font>'
            '<font><b/><sz val="11"/><name val="Calibri"/></font></fonts>'
            '<fills count="2"><fill><patternFill patternType="none"/></fill>'
            '<fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders>'
            '<cellStyleXfs count="1"><xf/></cellStyleXfs>'
            '<cellXfs count="2"><xf fontId="0"/><xf fontId="1" applyFont="1"/></cellXfs>'
            '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
        ),
    }
