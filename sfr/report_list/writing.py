"""Writes a report list that `sfr.report_list.reading` reads back: safe file names, unique within their directory."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sfr.config.report_columns import ORIGINAL_COLUMNS, SFDC
from sfr.report_id import parse_report_id
from sfr.report_list.names import LONGEST_NAME_BYTES, folded

#: Room for the longest ending (`.parquet`), and for a date that a user may add.
_LONGEST_STEM_BYTES = LONGEST_NAME_BYTES - 55
#: Not allowed in a name, taken for a date template, or apt to break a line.
_UNSAFE = re.compile(r"[/\\{}\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


@dataclass(frozen=True, slots=True)
class ListedReport:
    """A report as the org lists it."""

    report_id: str
    name: str
    path: str = ""
    #: Why it cannot be downloaded (`joined report`); it then comes out as a comment.
    obstacle: str = ""


def safe_name(name: str, longest_bytes: int = _LONGEST_STEM_BYTES) -> str:
    """The nearest text that is a file name on every system; `report` if nothing is left."""
    safe = _UNSAFE.sub("_", name).strip(" \t")
    safe = safe.encode()[:longest_bytes].decode(errors="ignore").strip(" \t")
    return "report" if safe in ("", ".", "..") else safe


def list_to_csv(reports: Sequence[ListedReport]) -> str:
    """The list as CSV text with the original SFR's header, in the order given.

    Names that several reports share in one directory (upper and lower case considered) get the report's id appended,
    all of them, so that a name does not depend on the order. Raises ValueError for a report id that is none.
    """
    ids = [parse_report_id(report.report_id) for report in reports]
    names = [safe_name(report.name) for report in reports]
    count = Counter((report.path, folded(name)) for report, name in zip(reports, names, strict=True))
    taken: set[tuple[str, str]] = {key for key, number in count.items() if number == 1}
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(ORIGINAL_COLUMNS[:4])
    for report, report_id, name in zip(reports, ids, names, strict=True):
        if count[report.path, folded(name)] > 1:
            name = f"{name}_{report_id}"
            while (report.path, folded(name)) in taken:
                name += "_"
            taken.add((report.path, folded(name)))
        if report.obstacle:
            output.write(f"# {safe_name(report.obstacle)}: ")
        writer.writerow((SFDC, name, report_id, report.path))
    return output.getvalue()
