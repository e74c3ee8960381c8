"""Rows of 8 short cells: many quotes and line ends per byte, doubled quotes in some cells and CRLF in others."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.shapes.base import Shape

COLUMNS = ("Case Number", "Status", "Priority", "Subject", "Owner Alias", "Opened Date", "Age", "Origin")
_STATUSES = ("New", "Working", "Escalated", "Closed", "Waiting for Customer")
_PRIORITIES = ("Low", "Medium", "High", "")
_SUBJECTS = ("Login fails", "Invoice is wrong", "Cannot export", "Question about limits", "Feature request", "Outage")
_OWNERS = ("aokaf", "blind", "cmore", "dtana", "enowa", "fgarc", "gschä", "honei")
_ORIGINS = ("Web", "Phone", "Email", "Chat", "Partner Community")


def rows(chance: random.Random) -> Iterator[tuple[str, ...]]:
    """Rows without end, of about 120 bytes."""
    while True:
        subject = f"{chance.choice(_SUBJECTS)} {chance.randrange(10**6)}"
        kind = chance.random()
        if kind < 0.05:
            subject += "\r\nsee the mail"
        elif kind < 0.12:
            subject = f'the "{subject}" again'
        yield (
            f"{chance.randrange(10**8):08d}",
            chance.choice(_STATUSES),
            chance.choice(_PRIORITIES),
            subject,
            chance.choice(_OWNERS),
            f"{chance.randrange(1, 13)}/{chance.randrange(1, 29)}/{chance.randrange(2023, 2027)}",
            f"{chance.randrange(10**5) / 24:.1f}",
            chance.choice(_ORIGINS),
        )


DENSE = Shape("dense", "8 columns of short cells, 110 bytes a row", COLUMNS, rows)
