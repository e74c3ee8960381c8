"""Escapes cells for spreadsheets, which evaluate text that begins like a formula (CWE-1236).

Depending on its locale and the user's choice, a spreadsheet may split a CSV file at other separators, even within
quotes: so each piece of a cell is checked.
"""

from __future__ import annotations

import re

#: Characters that begin a formula, in all forms that spreadsheets normalise: full width, small, superscript, minus.
_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u207b\u2212"
#: Some spreadsheets strip blanks and quotes before it.
_FORMULA = re.compile(rf'[\s"]*(?=[{_STARTS}])')
#: The comma is not included: programs that split at commas honour the quotes that `csv` writes.
_SEPARATORS = re.compile("([;|\t\r\n])")
#: Spreadsheets skip these and check what follows.
_DROPPED = ("\t", "\r", "\n")
#: Marks a cell as text.
TEXT_MARK = "'"


def escape_formulas(text: str, mark: str = TEXT_MARK) -> str:
    """The text with a mark before everything that a spreadsheet might evaluate as a formula, wherever it splits."""
    marked = "".join(_escape_piece(piece, mark) for piece in _SEPARATORS.split(text))
    return f"{mark}{marked}" if marked.startswith(_DROPPED) else marked


def _escape_piece(piece: str, mark: str) -> str:
    begins = _FORMULA.match(piece)
    return piece if begins is None else f"{begins.group()}{mark}{piece[begins.end() :]}"
