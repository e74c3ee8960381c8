"""XlsxWriter with what SFR needs beside it: temporary files with names of ours, and texts that stay texts.

Imports XlsxWriter (the extra `sfr[xlsx]`), so it has to be imported only where a workbook is written. Does not know
records or their types.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import datetime

from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.packager import Packager
from xlsxwriter.worksheet import Worksheet

from sfr.storage.atomic import remove_quietly
from sfr.storage.trusted import create_private

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: The creation time in every file: the same rows have to give the same bytes. It is the earliest that ZIP can hold.
CREATED = datetime(1980, 1, 1)
#: Characters that XML forbids are written as `_xHHHH_`, and therefore a text that looks like that is escaped, too.
_ESCAPED = re.compile("(?P<escape>_x[0-9a-fA-F]{4}_)|(?P<character>[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff])")

OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "use_zip64": True,
}


class ScratchFiles:
    """Creates private temporary files whose names begin with `start`, and removes them all at the end."""

    def __init__(self, start: str) -> None:
        self._start = start
        self._paths: list[str] = []

    def create(self) -> str:
        """The path of a new, empty file."""
        descriptor, path = create_private(self._start)
        os.close(descriptor)
        self._paths.append(path)
        return path

    def remove(self) -> None:
        """Remove what is left of them."""
        for path in self._paths:
            remove_quietly(path)


class OneSheetWorkbook(Workbook):  # type: ignore[misc]  # the package has no types that mypy reads
    """A workbook with one sheet, written row by row to `stream`: a file that need not be able to seek.

    `finish` writes it; `discard`, always needed at the end, closes and removes the temporary files.
    """

    def __init__(self, stream: Any, sheet_name: str, scratch_start: str) -> None:
        super().__init__(stream, OPTIONS)
        self._scratch = ScratchFiles(scratch_start)
        self.set_properties({"created": CREATED})
        self.sheet: _Sheet = self.add_worksheet(sheet_name, lambda: _Sheet(self._scratch))

    def finish(self) -> None:
        """Write the file. Raises OSError, and what the stream raises."""
        try:
            self.close()
        except FileCreateError as error:
            raise error.args[0] from None

    def discard(self) -> None:
        """Close and remove the temporary files."""
        with suppress(OSError):  # what a full disk did not take
            self.sheet.row_data_fh.close()
        self._scratch.remove()

    def _get_packager(self) -> Packager:
        return _Packager(self._scratch)


class _Packager(Packager):  # type: ignore[misc]
    """Creates the parts of the workbook as scratch files."""

    def __init__(self, scratch: ScratchFiles) -> None:
        super().__init__()
        self._scratch = scratch

    def _filename(self, xml_filename: str) -> str:
        path = self._scratch.create()
        self.filenames.append((path, xml_filename, False))
        return path


class _Sheet(Worksheet):  # type: ignore[misc]
    """Gathers the rows in a scratch file, and writes every text as that text."""

    def __init__(self, scratch: ScratchFiles) -> None:
        super().__init__()
        self._scratch = scratch

    def _initialize(self, init_data: dict[str, Any]) -> None:
        super()._initialize({**init_data, "constant_memory": False})  # else it makes a file of another name
        self.constant_memory = True
        self.row_data_filename = self._scratch.create()
        self.row_data_fh = open(self.row_data_filename, "w+", encoding="utf-8")  # noqa: SIM115 - closed by `discard`
        self.fh = self.row_data_fh

    def _xml_rich_inline_string(self, string: str, attributes: list[tuple[str, object]]) -> None:
        # Rich text is XML of the program's own; ours is a report's cell that looks like it.
        self._xml_inline_string(string, False, attributes)

    @staticmethod
    def _escape_control_characters(data: str) -> str:
        return _ESCAPED.sub(_escaped, data)

    def _escape_data(self, data: str) -> str:
        # As a character reference: XML makes a line feed of the carriage return itself.
        text: str = super()._escape_data(data)
        return text.replace("\r", "&#13;")


def _escaped(found: re.Match[str]) -> str:
    character = found["character"]
    return f"_x{ord(character):04X}_" if character else f"_x005F{found['escape']}"
