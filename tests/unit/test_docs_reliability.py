"""docs/reliability.md names only tests that are there, and every long run that is."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "reliability.md"
#: `unit/test_x.py`, `unit/test_x.py::test_y`, `stress/x.py`; `…::test_y` is of the file named before it in its line.
PLACE = re.compile(r"`(?P<file>…|(?:unit|integration|e2e|stress)/[\w/]+\.py)(?P<names>(?:::\w+)*)`")
#: The modules that the long runs share.
NO_COMMANDS = {
    *("__init__", "cli_web_log_in", "measured_run", "tortured_run"),
    *("delivery_accidents", "delivery_contents", "delivery_figures", "delivery_scene"),
}


def places_named(text: str) -> list[tuple[str, str]]:
    """(file, name within it) for each class, function and bare file that the document names; the name may be empty."""
    places = []
    for line in text.splitlines():
        file = ""
        for found in PLACE.finditer(line):
            file = file if found["file"] == "…" else found["file"]
            places += [(file, name) for name in found["names"].split("::")[1:] or [""]]
    return places


def promise_rows(text: str) -> list[str]:
    """The lines of the first table, which is that of the promises."""
    return [line for line in text.split("\n## ", 1)[0].splitlines() if line.startswith("| ")]


@cache
def names_in(file: str) -> frozenset[str]:
    """Functions and classes of a file below tests/."""
    text = (TESTS / file).read_text(encoding="utf-8")
    return frozenset(re.findall(r"^\s*(?:def|class) (\w+)", text, re.MULTILINE))


@pytest.fixture(scope="module")
def document() -> str:
    """The text of the document."""
    return DOCUMENT.read_text(encoding="utf-8")


def test_reliability_names_only_tests_that_are_there(document: str) -> None:
    """A promise whose test was moved or renamed would be held by nothing, and nobody would know."""
    places = places_named(document)

    lacking = [
        f"{file}::{name}"
        for file, name in places
        if not (TESTS / file).is_file() or (name and name not in names_in(file))
    ]
    assert len(places) > 100
    assert lacking == []


def test_reliability_writes_every_test_in_a_form_that_is_checked(document: str) -> None:
    """A test that is named in some other form would not be looked for."""
    spans = [span for row in promise_rows(document) for span in re.findall(r"`[^`]*`", row)]

    odd = [span for span in spans if ("::" in span or ".py" in span) and not PLACE.fullmatch(span)]
    assert odd == []


def test_reliability_makes_no_promise_twice(document: str) -> None:
    """One promise has one row."""
    promises = [row.split("|")[1].strip() for row in promise_rows(document)]

    assert sorted(promises) == sorted(set(promises))


def test_reliability_names_the_command_of_every_long_run(document: str) -> None:
    """Each of them is one command, named with its figures; no command is named that does not exist."""
    told = set(re.findall(r"python -m tests\.stress\.(\w+)", document))

    assert told == {path.stem for path in (TESTS / "stress").glob("*.py")} - NO_COMMANDS
