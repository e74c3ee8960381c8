"""A cell of a report in the forms that Salesforce returns: export text, Analytics label, raw value.

A cell holds the same data by every route; only its format differs.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

Raw = str | int | float | bool | None

TEXT_TYPES = frozenset({"string", "textarea", "picklist", "reference", "id", "email", "phone", "url"})


class Cell(NamedTuple):
    """text: as the classic export writes it; label: as the Analytics API shows it; raw: as SOQL returns it."""

    text: str
    label: str
    raw: Raw


EMPTY = Cell("", "-", None)


def text_cell(text: str) -> Cell:
    """A text, picklist value or id: the same by every route."""
    return Cell(text, text, text) if text else EMPTY


def lookup_cell(name: str, record_id: str) -> Cell:
    """A reference: its text is the name of the other record, its raw value the id."""
    return Cell(name, name, record_id)


def number_cell(number: int) -> Cell:
    """A whole number: plain digits in the export, with thousands separators in the label."""
    return Cell(str(number), f"{number:,}", number)


def currency_cell(amount: float) -> Cell:
    """An amount in the org's currency, US dollars."""
    return Cell(f"{amount:.2f}", f"${amount:,.2f}", amount)


def percent_cell(number: int) -> Cell:
    """A percentage; its raw value is in percent, not a fraction."""
    return Cell(f"{number}%", f"{number}%", number)


def date_cell(day: date) -> Cell:
    """A date, formatted for an English (United States) user."""
    text = f"{day.month}/{day.day}/{day.year}"
    return Cell(text, text, day.isoformat())


def datetime_cell(moment: datetime) -> Cell:
    """A UTC date-time, formatted for an English (United States) user; raw as in the REST API."""
    text = moment_text(moment)
    return Cell(text, text, moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000"))


def boolean_cell(yes: bool) -> Cell:
    """A check box: `1` or `0` in the export, `true` or `false` in the label."""
    return Cell("1" if yes else "0", "true" if yes else "false", yes)


def moment_text(moment: datetime) -> str:
    """`9/8/2026 11:22 AM`, as exports of an English (United States) user write times."""
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment.minute:02d} {half}"
