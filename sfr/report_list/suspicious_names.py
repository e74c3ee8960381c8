"""Detects report names that are valid but probably not intended: one table, for warnings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sfr.wording import quoted


@dataclass(frozen=True, slots=True)
class SuspiciousName:
    """A kind of name that is valid but probably not intended."""

    pattern: str
    #: What it looks like, and what to write instead.
    meaning: str


SUSPICIOUS_NAMES: tuple[SuspiciousName, ...] = (
    SuspiciousName(
        r"(?i).+\.(?:csv|tsv|txt|xlsx?|xlsm|jsonl?|parquet|gz|zst|zip|pdf|html?)$",
        "looks like a name with an extension, and gets the format's extension as well",
    ),
    SuspiciousName(
        r"(?i).*&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9a-f]+);",
        "looks escaped for HTML, and is used unchanged; write `&` for `&amp;`",
    ),
    SuspiciousName(
        r"(?i).*%(?:[0-7][0-9A-F]|[C-F][0-9A-F]%[89AB][0-9A-F])",
        "looks like part of a URL, and is used unchanged; write a space for `%20`",
    ),
    SuspiciousName(
        r".*(?:%Y|(?:%[ymdHMSjbB][-_.]?){2})",
        "looks as if it contained a date, and is used unchanged; dates are written in braces, {run_date:%Y%m%d}",
    ),
    SuspiciousName(
        r".*(?:\$[A-Z_]{2,}|%[A-Za-z_]{2,}%|^~)",
        "looks as if it contained a variable, and is used unchanged; variables are not filled in here",
    ),
    SuspiciousName(
        r".*[\u00a0\u202f]",
        "contains a no-break space, which is kept; type an ordinary space where one is meant",
    ),
)


def name_warnings(name: str, ending: str) -> Iterator[str]:
    """Warnings about a valid name that looks like something else."""
    for odd in SUSPICIOUS_NAMES:
        if re.match(odd.pattern, name):
            yield f"{quoted(name)} {odd.meaning}: the file is {quoted(f'{name}.{ending}')}"
            return
