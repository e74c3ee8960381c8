"""Fills in dates in names, paths and export parameters: `{run_date}`, `{month_start-1m}`, `{month_end:%d.%m.%Y}`, …

    {run_date | month_start | month_end   [+|-]N[d|m|y]   :form}

The form is that of strftime; the default is `%Y-%m-%d`. An offset in months or years keeps the day if the month has it,
and uses its last day otherwise (31 March minus a month is 28 or 29 February); `month_end` remains the end of its month.
"""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta

from sfr.wording import did_you_mean, quoted

PLACEHOLDERS = ("run_date", "month_start", "month_end")
DEFAULT_FORM = "%Y-%m-%d"

_BRACES = re.compile(r"\{([^{}]*)\}|\{")
_INSIDE = re.compile(r"(?P<name>[A-Za-z_]+)(?:(?P<count>[+-][0-9]{1,6})(?P<unit>[dmy]))?(?::(?P<form>.+))?", re.DOTALL)
_DIRECTIVES = re.compile(r"[^%]|%[-_0^#]?[aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ%]")
_EXPECTED = "expected {run_date}, {month_start} or {month_end}, such as {run_date-7d} or {month_start-1m:%Y%m%d}"


def fill_dates(text: str, at: datetime) -> str:
    """The text with every placeholder replaced by its date.

    at: the run's start, in the time zone of the configuration.

    Raises ValueError, with a message that says what is wrong and what is expected, for braces with any other content.
    """
    return _BRACES.sub(lambda match: _fill_one(match[1], at), text)


def _fill_one(inside: str | None, at: datetime) -> str:
    if inside is None:
        raise ValueError(f"has a `{{` without its `}}`; {_EXPECTED}")
    match = _INSIDE.fullmatch(inside)
    name = match["name"] if match else re.split(r"[^A-Za-z_]", inside, maxsplit=1)[0]
    if name not in PLACEHOLDERS:
        hint = did_you_mean(name, PLACEHOLDERS) or f"; {_EXPECTED}"
        raise ValueError(f"has the unknown placeholder {quoted('{' + inside + '}')}{hint}")
    if match is None:
        raise ValueError(f"has the malformed placeholder {quoted('{' + inside + '}')}; {_EXPECTED}")
    form = match["form"] or DEFAULT_FORM
    if _DIRECTIVES.sub("", form) or not form.isprintable():
        raise ValueError(f"has a form that strftime does not support, in {quoted('{' + inside + '}')}; {_EXPECTED}")
    try:
        return _move(name, at, int(match["count"] or 0), match["unit"] or "d").strftime(form)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"has a date outside the years 1 to 9999, in {quoted('{' + inside + '}')}; expected a smaller offset"
        ) from error


def _move(name: str, at: datetime, count: int, unit: str) -> datetime:
    """The named day, moved by count days, months or years."""
    day = at if name == "run_date" else at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    if unit != "d":
        day = _add_months(day, count if unit == "m" else 12 * count)
    if name == "month_end":
        day = day.replace(day=calendar.monthrange(day.year, day.month)[1])
    return day + timedelta(days=count) if unit == "d" else day


def _add_months(day: datetime, count: int) -> datetime:
    year, month_index = divmod(12 * day.year + day.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise ValueError("year out of range")
    last_day = calendar.monthrange(year, month_index + 1)[1]
    return day.replace(year=year, month=month_index + 1, day=min(day.day, last_day))
