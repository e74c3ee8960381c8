"""Names of tables and columns, derived from the names of reports and their column labels. Pure.

Names are quoted wherever they are used, so they may contain any letters.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence

#: PostgreSQL cuts longer names, silently.
MAX_NAME_BYTES = 63
_KEPT_BYTES = 55
_HASH_DIGITS = 7
#: The column of the run's date, with `mode: append`.
DATE_COLUMN = "sfr_date"

_PLACEHOLDER = re.compile(r"\{[^{}]*\}")
#: Between `close` and `Date`, and between `HTTP` and `Server`.
_WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(text: str) -> str:
    """`Close Date` → `close_date`; letters, digits and accents of any script stay. May be empty."""
    spaced = _WORD_STARTS.sub(" ", unicodedata.normalize("NFC", text))
    kept = "".join(character if unicodedata.category(character)[0] in "LNM" else " " for character in spaced)
    return "_".join(kept.lower().split())


def table_name(table: str, name_template: str, report_id: str) -> str:
    """The configured table, or else the report's name without dates in snake case, cut if it is too long."""
    return cut(table or snake_case(_PLACEHOLDER.sub(" ", name_template)) or f"report_{report_id}".rstrip("_"))


def column_names(labels: Sequence[str], style: str) -> tuple[str, ...]:
    """A name for each column label, unique without regard to case. style: `snake` or `labels`."""
    convert = snake_case if style == "snake" else _unless_blank
    return _unique([convert(label) or f"column_{place}" for place, label in enumerate(labels, 1)])


def _unless_blank(label: str) -> str:
    return label if label.strip() else ""


def cut(name: str) -> str:
    """The name; a long one is its start and a hash of the whole."""
    encoded = name.encode("utf-8", "surrogatepass")
    if len(encoded) <= MAX_NAME_BYTES:
        return name
    start = encoded[:_KEPT_BYTES].decode("utf-8", "ignore")
    return f"{start}_{hashlib.sha256(encoded).hexdigest()[:_HASH_DIGITS]}"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """The names, cut; a repeated one gets `_2`, `_3` …, but never a name that another column has of its own."""
    wanted = list(names)
    own = {cut(name).casefold() for name in wanted}
    seen: set[str] = set()
    unique = []
    for name in wanted:
        candidate, number = cut(name), 1
        while candidate.casefold() in seen or (number > 1 and candidate.casefold() in own):
            number += 1
            candidate = cut(f"{name}_{number}")
        seen.add(candidate.casefold())
        unique.append(candidate)
    return tuple(unique)
