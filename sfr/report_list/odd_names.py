"""Names of reports that are taken as they stand, though something else was meant as a rule: one table, for warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sfr.wording import quoted


@dataclass(frozen=True, slots=True)
class OddName:
    """A shape of names that is taken as it stands, though something else was meant as a rule."""

    pattern: str
    #: What it looks like, and what is written instead.
    meaning: str


ODD_NAMES: tuple[OddName, ...] = (
    OddName(
        r"(?i).+\.(?:csv|tsv|txt|xlsx?|xlsm|jsonl?|parquet|gz|zst|zip|pdf|html?)$",
        "looks like a name with its ending, and gets the format's ending as well",
    ),
    OddName(
        r"(?i).*&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9a-f]+);",
        "looks escaped for HTML, and stays as it is; write `&` for `&amp;`",
    ),
    OddName(
        r"(?i).*%(?:[0-7][0-9A-F]|[C-F][0-9A-F]%[89AB][0-9A-F])",
        "looks like part of a URL, and stays as it is; write a blank for `%20`",
    ),
    OddName(
        r".*(?:%Y|(?:%[ymdHMSjbB][-_.]?){2})",
        "looks as if it held a date, and stays as it is; dates are written in braces, {run_date:%Y%m%d}",
    ),
    OddName(
        r".*(?:\$[A-Z_]{2,}|%[A-Za-z_]{2,}%|^~)",
        "looks as if it held a variable, and stays as it is; none is filled in here",
    ),
    OddName(
        r".*[\u00a0\u202f]",
        "holds a no-break blank, and keeps it; type an ordinary blank where one is meant",
    ),
)


def doubts_about_name(name: str, ending: str) -> Iterator[str]:
    """Sentences about a name that is taken, though it looks like something else."""
    for odd in ODD_NAMES:
        if re.match(odd.pattern, name):
            yield f"{quoted(name)} {odd.meaning}: the file is {quoted(f'{name}.{ending}')}"
            return
