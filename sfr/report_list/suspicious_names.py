"""Detects report names that are valid but probably not intended: one table, for warnings."""

from __future__ import annotations

from collections.abc import Iterator

from sfr.shapes import Shape, first_shape
from sfr.wording import quoted

#: `what` it looks like, and what to write instead.
SUSPICIOUS_NAMES: tuple[Shape[str], ...] = (
    Shape(
        r"(?i).+\.(?:csv|tsv|txt|xlsx?|xlsm|jsonl?|parquet|gz|zst|zip|pdf|html?)$",
        "looks like a name with an extension, and gets the format's extension as well",
    ),
    Shape(
        r"(?i).*&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+|#x[0-9a-f]+);",
        "looks escaped for HTML, and is used unchanged; write `&` for `&amp;`",
    ),
    Shape(
        r"(?i).*%(?:[0-7][0-9A-F]|[C-F][0-9A-F]%[89AB][0-9A-F])",
        "looks like part of a URL, and is used unchanged; write a space for `%20`",
    ),
    Shape(
        r".*(?:%Y|(?:%[ymdHMSjbB][-_.]?){2})",
        "looks as if it contained a date, and is used unchanged; dates are written in braces, {run_date:%Y%m%d}",
    ),
    Shape(
        r".*(?:\$[A-Z_]{2,}|%[A-Za-z_]{2,}%|^~)",
        "looks as if it contained a variable, and is used unchanged; variables are not filled in here",
    ),
    Shape(
        r".*[\u00a0\u202f]",
        "contains a no-break space, which is kept; type an ordinary space where one is meant",
    ),
)


def name_warnings(name: str, ending: str) -> Iterator[str]:
    """Warnings about a valid name that looks like something else."""
    shape = first_shape(SUSPICIOUS_NAMES, name)
    if shape:
        yield f"{quoted(name)} {shape.what}: the file is {quoted(f'{name}.{ending}')}"
