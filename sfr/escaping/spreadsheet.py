"""Escapes cells for spreadsheets, which run text that begins like a formula (CWE-1236).

A spreadsheet may split a CSV file where its country or its user says, whatever the quotes: a cell is looked at piece
by piece.
"""

from __future__ import annotations

import re

#: What begins a formula, in all the forms that are turned into the plain one: full width, small, superscript, minus.
_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207c\u207a\u207b\u2212"
#: Blanks and quotes before it are dropped by one spreadsheet or another.
_FORMULA = re.compile(rf'[\s"]*(?=[{_STARTS}])')
#: A comma is no separator here: the quotes that `csv` writes hold for who splits at commas.
_SEPARATORS = re.compile("([;|\t\r\n])")
#: Spreadsheets drop these, and look at what follows.
_DROPPED = ("\t", "\r", "\n")
#: Marks a cell as text.
TEXT_MARK = "'"


def harmless_cell(text: str, mark: str = TEXT_MARK) -> str:
    """The text with a mark before whatever a spreadsheet would run as a formula, wherever it splits the text."""
    marked = "".join(_harmless_piece(piece, mark) for piece in _SEPARATORS.split(text))
    return f"{mark}{marked}" if marked.startswith(_DROPPED) else marked


def _harmless_piece(piece: str, mark: str) -> str:
    begins = _FORMULA.match(piece)
    return piece if begins is None else f"{begins.group()}{mark}{piece[begins.end() :]}"
