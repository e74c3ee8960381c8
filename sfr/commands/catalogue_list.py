"""Formats the org's reports as a report list: CSV that can be used as `REPORT_LIST`. Pure.

Names become file names: characters that file names cannot contain are replaced, and names shared by two reports, or
used by SFR itself, get the report's id appended.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sfr.config.report_columns import ORIGINAL_COLUMNS
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.spreadsheet import escape_formulas
from sfr.model import SFDC
from sfr.report_list.names import lookalike, safe_name
from sfr.salesforce.catalogue import CatalogueEntry

#: Lists are edited in spreadsheets, but their mark for text does not belong in a file name.
FORMULA_MARK = "_"


def report_list(
    entries: Sequence[CatalogueEntry], taken_names: Collection[str] = (), filters: Mapping[str, str] | None = None
) -> str:
    """The list in the given order, grouped by folder; folders become comments.

    Joined reports become rows of `route: excel`; only then the list has the columns `format` and `route`.
    taken_names: reserved file names, without extension.
    filters: by report id, the text of a comment before the report's row.
    """
    has_joined = any(entry.is_joined for entry in entries)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*ORIGINAL_COLUMNS, "format", "route") if has_joined else ORIGINAL_COLUMNS)
    folder = None
    for entry, name in zip(entries, file_names(entries, taken_names), strict=True):
        if entry.folder != folder:
            folder = entry.folder
            text.write(f"# {_one_line(folder) or 'without a folder'}\n")
        if filters is not None:
            found = filters.get(entry.report_id, "unknown")
            text.write(f"# filters of {_one_line(entry.name) or entry.report_id}: {_one_line(found)}\n")
        more = ("xlsx", "excel") if entry.is_joined else ("", "") if has_joined else ()
        writer.writerow((SFDC, name, entry.report_id, "", "", *more))
    return text.getvalue()


def file_names(entries: Iterable[CatalogueEntry], taken_names: Collection[str] = ()) -> Iterator[str]:
    """A file name, without extension, for each report: safe, and unique regardless of case, width or style."""
    entries = list(entries)
    names = [safe_name(escape_formulas(safe_name(entry.name), FORMULA_MARK)) for entry in entries]
    uses: dict[str, int] = dict.fromkeys(map(lookalike, taken_names), 1)
    for name in names:
        uses[lookalike(name)] = uses.get(lookalike(name), 0) + 1
    for entry, name in zip(entries, names, strict=True):
        yield name if name and uses[lookalike(name)] == 1 else "_".join(filter(None, (name, entry.report_id)))


def _one_line(text: str) -> str:
    """The text for a comment: unlike cells it is not quoted, so a spreadsheet splits it at commas."""
    shown = escape_invisible("".join(character if character.isprintable() else " " for character in text).strip())
    return ",".join(map(escape_formulas, shown.split(",")))
