"""The org's reports as a report list: CSV that `REPORT_LIST` takes as it is. Pure.

Names become file names: what a file name may not hold is replaced, and a name that two reports share, or that SFR uses
itself, gets the report's id appended.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Sequence

from sfr.commands.catalogue import CatalogueEntry
from sfr.config.report_columns import ORIGINAL_COLUMNS, SFDC
from sfr.escaping.invisible import escape_invisible
from sfr.escaping.spreadsheet import harmless_cell
from sfr.report_list.names import lookalike, safe_name

#: People edit the list in spreadsheets; a file's name is no place for their mark of a text.
FORMULA_MARK = "_"


def report_list(entries: Sequence[CatalogueEntry], taken_names: Collection[str] = ()) -> str:
    """The list, folder by folder in the order given; folders and joined reports are comments.

    taken_names: file names without ending that no report may have.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(ORIGINAL_COLUMNS)
    folder = None
    for entry, name in zip(entries, file_names(entries, taken_names), strict=True):
        if entry.folder != folder:
            folder = entry.folder
            text.write(f"# {_one_line(folder) or 'without a folder'}\n")
        if entry.is_joined:
            text.write(f"# joined report, not exportable: {_one_line(entry.name)} ({entry.report_id})\n")
        else:
            writer.writerow((SFDC, name, entry.report_id, "", ""))
    return text.getvalue()


def file_names(entries: Iterable[CatalogueEntry], taken_names: Collection[str] = ()) -> Iterator[str]:
    """A file name, without ending, for each report: safe, and unique among all, in whatever case, width or style."""
    entries = list(entries)
    names = [safe_name(harmless_cell(safe_name(entry.name), FORMULA_MARK)) for entry in entries]
    uses: dict[str, int] = dict.fromkeys(map(lookalike, taken_names), 1)
    for name in names:
        uses[lookalike(name)] = uses.get(lookalike(name), 0) + 1
    for entry, name in zip(entries, names, strict=True):
        yield name if name and uses[lookalike(name)] == 1 else "_".join(filter(None, (name, entry.report_id)))


def _one_line(text: str) -> str:
    """The text in a comment: not quoted as cells are, so that a spreadsheet splits it at commas, too."""
    shown = escape_invisible("".join(character if character.isprintable() else " " for character in text).strip())
    return ",".join(map(harmless_cell, shown.split(",")))
