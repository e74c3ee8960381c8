"""Recognises other formats saved or pasted as a report list: one table, with what it is and what to do. Pure."""

from __future__ import annotations

import re

from sfr.config.report_columns import COLUMNS, REPORT_TYPES
from sfr.shapes import Shape, first_shape

_SAVE_AS_CSV = 'save it as "CSV UTF-8 (comma delimited)"'
_SAVE_OR_REPLACE = f"{_SAVE_AS_CSV}, or replace them"
#: Where the region's list separator is a semicolon, Excel's "CSV UTF-8" has semicolons too.
_REPLACE_SEMICOLONS = (
    f"replace them in a text editor, or {_SAVE_AS_CSV} after setting the list separator of the region to a comma"
)
_NAMES = "|".join(map(re.escape, (*COLUMNS, *REPORT_TYPES)))

#: Lines in place of a header.
HEADER_SHAPES: tuple[Shape[str], ...] = (
    Shape(
        r'(?i)\s*"?sep=',
        "`sep=` is a line for Excel that is not part of a CSV file; delete it",
    ),
    Shape(
        r"\s*[\[{]\s*(?:$|[\[{\"'])",
        f"this is JSON, not CSV; write the list as CSV, or put the reports into `reports.items` ({_SAVE_AS_CSV})",
    ),
    Shape(
        r"\s*(?:---\s*$|(?:-\s+\{?\s*)?(?:reports|items|\w*report\w*)\s*:(?:\s|$))",
        "this is YAML, not CSV; reports in YAML belong in `reports.items` of the configuration",
    ),
)
#: Lines in place of a header, or of a row of cells separated by commas.
LINE_SHAPES: tuple[Shape[str], ...] = (
    Shape(
        r"\s*[|│].*[|│]\s*$|\s*\+-+\+",
        "this is a table drawn with `|`, not CSV; separate the columns with commas",
    ),
    Shape(
        rf"(?i)\s*\"(?:{_NAMES})\s*,(?:[^\"]|\"\")*\"[,;\s]*$",
        "the whole line is in quotes, which makes it one cell; remove the quotes around lines "
        f"(or {_SAVE_AS_CSV} from the program that made the list)",
    ),
    Shape(
        rf"(?i)\s*[“”„«»‘’‚‹›＂](?:{_NAMES})\b",
        'the cells are in typographic quotes; write `"`, or no quotes if a cell contains no comma',
    ),
    *(
        Shape(
            rf"(?i)\s*[\"']?(?:{_NAMES})[\"']?\s*{re.escape(sign)}",
            f"the columns are separated by {called} instead of commas; {what_to_do}",
        )
        for sign, called, what_to_do in (
            (";", "semicolons, as Excel writes them in many countries", _REPLACE_SEMICOLONS),
            ("\t", "tabs", _SAVE_OR_REPLACE),
            ("|", "`|`", _SAVE_OR_REPLACE),
            ("，", "wide commas (U+FF0C)", _SAVE_OR_REPLACE),
            ("、", "ideographic commas (U+3001)", _SAVE_OR_REPLACE),
            ("،", "Arabic commas (U+060C)", _SAVE_OR_REPLACE),
        )
    ),
)


def shape_of_line(text: str, *, is_header: bool) -> str | None:
    """What is wrong with the first line of a header or row; None if it may consist of cells."""
    shape = first_shape((*HEADER_SHAPES, *LINE_SHAPES) if is_header else LINE_SHAPES, text)
    return shape.what if shape else None
