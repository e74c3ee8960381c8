"""What people paste or save in the place of a report list: one table, with what it is and what to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.config.report_columns import COLUMNS, REPORT_TYPES

_SAVE_AS_CSV = 'save it as "CSV UTF-8 (comma delimited)"'


@dataclass(frozen=True, slots=True)
class ListShape:
    """A shape of a line where a header or a row of comma-separated cells was expected."""

    pattern: str
    #: What it is and what to do: a sentence.
    sentence: str
    #: Whether rows may have it too, or the first line alone.
    is_of_rows: bool = False


_NAMES = "|".join(map(re.escape, (*COLUMNS, *REPORT_TYPES)))

#: Of the first line, and of others where it says so; the first entry that fits counts.
LIST_SHAPES: tuple[ListShape, ...] = (
    ListShape(
        r'(?i)\s*"?sep=',
        "`sep=` is a line for Excel and no part of a CSV file; delete it",
    ),
    ListShape(
        r"\s*[\[{]\s*(?:$|[\[{\"'])",
        f"this is JSON, not CSV; write the list as CSV, or put the reports into `reports.items` ({_SAVE_AS_CSV})",
    ),
    ListShape(
        r"\s*(?:---\s*$|(?:-\s+\{?\s*)?(?:reports|items|\w*report\w*)\s*:(?:\s|$))",
        "this is YAML, not CSV; reports in YAML belong to `reports.items` of the configuration",
    ),
    ListShape(
        r"\s*[|│].*[|│]\s*$|\s*\+-+\+",
        "this is a table drawn with `|`, not CSV; separate the columns by commas",
        is_of_rows=True,
    ),
    ListShape(
        rf"(?i)\s*\"(?:{_NAMES})\s*,(?:[^\"]|\"\")*\"[,;\s]*$",
        "the line stands in quotes as a whole, so that it is one cell; remove the quotes around lines "
        f"(or {_SAVE_AS_CSV} from the program that made the list)",
        is_of_rows=True,
    ),
    ListShape(
        rf"(?i)\s*[“”„«»‘’‚‹›＂](?:{_NAMES})\b",
        'the cells stand in typographic quotes; write `"`, or no quotes where a cell holds no comma',
        is_of_rows=True,
    ),
    *(
        ListShape(
            rf"(?i)\s*[\"']?(?:{_NAMES})[\"']?\s*{re.escape(sign)}",
            f"the columns are not separated by commas, but by {called}; {_SAVE_AS_CSV}, or replace them",
            is_of_rows=True,
        )
        for sign, called in (
            (";", "semicolons, as spreadsheets of many countries write them"),
            ("\t", "tabs"),
            ("|", "`|`"),
            ("，", "wide commas (U+FF0C)"),
            ("、", "ideographic commas (U+3001)"),
            ("،", "Arabic commas (U+060C)"),
        )
    ),
)


def shape_of_line(text: str, *, is_header: bool) -> str | None:
    """The sentence about the first line of a header or row that is something else; None for what may be cells."""
    fitting = (shape for shape in LIST_SHAPES if is_header or shape.is_of_rows)
    return next((shape.sentence for shape in fitting if re.match(shape.pattern, text)), None)
