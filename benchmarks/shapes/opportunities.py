"""Rows of a sales team's report: they look and compress like the real ones; some cells hold line breaks."""

from __future__ import annotations

import random
from collections.abc import Iterator

from benchmarks.shapes.base import Shape

COLUMNS = (
    "Opportunity ID",
    "Account Name",
    "Opportunity Name",
    "Stage",
    "Amount",
    "Amount Currency",
    "Probability (%)",
    "Close Date",
    "Created Date",
    "Opportunity Owner",
    "Billing Street",
    "Lead Source",
    "Next Step",
)
_STAGES = ("Prospecting", "Qualification", "Needs Analysis", "Proposal/Price Quote", "Closed Won", "Closed Lost")
_SOURCES = ("Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Trade Show", "")
_FIRST = ("Ada", "Bruno", "Chloé", "Dmitri", "Elif", "Farah", "Grace", "Håkon", "Inés", "Jan", "Kaoru", "Lena")
_LAST = ("Okafor", "Lindqvist", "Moreau", "Tanaka", "Nowak", "Garcia", "Schäfer", "O'Neill", "Rossi", "Demir")
_TRADES = ("Logistics", "Foods", "Textiles", "Energy", "Robotics", "Paper", "Media", "Bearings", "Optics", "Seeds")
_FORMS = ("GmbH", "Inc.", "SARL", "Ltd", "AB", "S.p.A.", "K.K.")
_STREETS = ("Harbour Road", "Lindenallee", "Rue du Port", "Via Garibaldi", "Mill Lane", "Storgatan", "Elm Street")
_STEPS = (
    "",
    "",
    "Send the revised quote",
    'Ask about the "phase two" budget, then call back',
    "Waiting for legal",
    'Demo on site; bring the 12" sample',
    "Renewal, see the contract of last year",
)


def rows(chance: random.Random) -> Iterator[tuple[str, ...]]:
    """Rows without end."""
    accounts = [_account(chance) for _ in range(4000)]
    owners = [f"{first} {last}" for first in _FIRST for last in _LAST]
    while True:
        yield _row(chance, accounts, owners)


def _row(chance: random.Random, accounts: list[tuple[str, str]], owners: list[str]) -> tuple[str, ...]:
    account, street = accounts[int(len(accounts) * chance.random() ** 3)]
    stage = chance.randrange(len(_STAGES))
    year, month = chance.randrange(2023, 2027), chance.randrange(1, 13)
    return (
        f"0065g0{chance.randrange(10**9):09d}AAA",
        account,
        f"{account} - {_TRADES[chance.randrange(len(_TRADES))]} {year}",
        _STAGES[stage],
        f"{chance.randrange(1, 4000) * 25}.00",
        "EUR",
        str(stage * 20),
        f"{month}/{chance.randrange(1, 29)}/{year}",
        f"{month}/1/{year - 1}",
        owners[int(len(owners) * chance.random() ** 2)],
        street,
        _SOURCES[chance.randrange(len(_SOURCES))],
        _STEPS[chance.randrange(len(_STEPS))],
    )


def _account(chance: random.Random) -> tuple[str, str]:
    name = f"{chance.choice(_LAST)} {chance.choice(_TRADES)} {chance.choice(_FORMS)}"
    street = f"{chance.choice(_STREETS)} {chance.randrange(1, 300)}"
    return name, street + ("\nBuilding " + chance.choice("ABCD") if chance.random() < 0.2 else "")


OPPORTUNITIES = Shape("opportunities", "13 columns, 180 bytes a row", COLUMNS, rows)
