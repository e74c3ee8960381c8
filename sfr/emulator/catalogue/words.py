"""The vocabulary of generated records, and seeded pools of cells built from it.

All names are invented; scripts are mixed on purpose, as in real orgs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from sfr.emulator.catalogue import cells
from sfr.emulator.catalogue.cells import Cell
from sfr.emulator.catalogue.columns import TILE_ROWS, Pool

FIRST_NAMES = (
    "Anaïs",
    "Bjørn",
    "Chidi",
    "Dóra",
    "Elif",
    "Farid",
    "Grace",
    "Hiro",
    "Ines",
    "Jörg",
    "Kofi",
    "Łucja",
    "Mei",
)
LAST_NAMES = (
    "Abe",
    "Brontë",
    "Castro",
    "Dvořák",
    "Eze",
    "Fischer",
    "García",
    "Hwang",
    "Ito",
    "Jansen",
    "Kaya",
    "Lindqvist",
)
COMPANY_WORDS = ("Blue", "North", "Delta", "Prime", "Quartz", "Harbor", "Summit", "Vector", "Willow", "Ember", "Cobalt")
COMPANY_ENDS = (
    "Foods",
    "Logistics",
    "Systems",
    "Textiles, Inc.",
    "GmbH & Co. KG",
    "S.A.",
    "株式会社",
    "Labs",
    "Power Ltd.",
)
INDUSTRIES = ("Agriculture", "Banking", "Chemicals", "Education", "Energy", "Healthcare", "Retail", "Transportation")
CITIES = (
    "Antwerp",
    "Bogotá",
    "Cork",
    "Düsseldorf",
    "Évora",
    "Fukuoka",
    "Gdańsk",
    "Helsinki",
    "İzmir",
    "Jena",
    "Kraków",
)
COUNTRIES = ("Belgium", "Colombia", "Ireland", "Germany", "Portugal", "Japan", "Poland", "Finland", "Türkiye")
REGIONS = ("APAC", "EMEA", "LATAM", "North America")
STAGES = ("Prospecting", "Qualification", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")
QUARTERS = ("Q1-2026", "Q2-2026", "Q3-2026", "Q4-2026")
PRIORITIES = ("High", "Medium", "Low")
CASE_STATES = ("New", "Working", "Escalated", "On Hold", "Closed")
LEAD_SOURCES = ("", "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show")
TOPIC_WORDS = (
    "login",
    "invoice",
    "delivery",
    "printer",
    "battery",
    "contract",
    "update",
    "screen",
    "password",
    "price",
)
NOTE_WORDS = (
    "asked",
    "for",
    "a",
    "new",
    "quote",
    "with",
    "délai",
    "of",
    "ten",
    "days;",
    "see",
    "“annex”",
    "and",
    "call",
    "back",
)


def pool(seed: str, make: Callable[[random.Random], Cell]) -> Pool:
    """A pool of `TILE_ROWS` cells made one after the other from one seeded random generator."""

    def make_cells() -> tuple[Cell, ...]:
        chance = random.Random(seed)
        return tuple(make(chance) for _ in range(TILE_ROWS))

    return Pool(make_cells)


def choice_pool(seed: str, texts: Sequence[str]) -> Pool:
    """Picklist cells drawn from these texts; the empty text is an empty cell."""
    return pool(seed, lambda chance: cells.text_cell(chance.choice(texts)))


def person_name(chance: random.Random) -> str:
    """A full name."""
    return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"


def company_name(chance: random.Random) -> str:
    """A company's name; some hold commas, ampersands or other scripts."""
    return f"{chance.choice(COMPANY_WORDS)} {chance.choice(COMPANY_WORDS)} {chance.choice(COMPANY_ENDS)}"


def subject(chance: random.Random) -> str:
    """A short line of text."""
    return " ".join(chance.choice(TOPIC_WORDS) for _ in range(chance.randint(2, 5))).capitalize()


def note(chance: random.Random) -> str:
    """A text area: empty, one line, or several lines with CRLF and quotes as people type them."""
    kind = chance.random()
    if kind < 0.2:
        return ""
    words = " ".join(chance.choice(NOTE_WORDS) for _ in range(chance.randint(3, 14)))
    if kind < 0.8:
        return words
    return f'{words}\r\n"{chance.choice(TOPIC_WORDS)}", he said.\r\n\r\n-- {person_name(chance)}'


def day(chance: random.Random) -> date:
    """A day in 2024 to 2026."""
    return date(2024, 1, 1) + timedelta(days=chance.randrange(1000))


def moment(chance: random.Random) -> datetime:
    """A date-time in 2024 to 2026, UTC, in whole minutes."""
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(1000 * 1440))
