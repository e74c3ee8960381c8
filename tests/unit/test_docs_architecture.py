"""docs/architecture.md names every module of the program, and none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "sfr"
#: A module as the document writes it: a list entry that begins with one or more code spans, joined by commas.
ENTRY = re.compile(r"^- ((?:`[^`]+`(?:, )?)+):", re.MULTILINE)


def modules_there() -> set[str]:
    """Paths below `sfr/`; a package stands for its `__init__.py`, and the emulator for all that is in it."""
    found = {"emulator/"}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        if place.parts[0] == "emulator":
            continue
        is_package = place.name == "__init__.py"
        found.add(f"{place.parent.as_posix()}/" if is_package and place.parent.parts else place.as_posix())
    return found


def modules_named(text: str) -> list[str]:
    """What the document's lists name, in its order."""
    return [name for entry in ENTRY.findall(text) for name in re.findall(r"`([^`]+)`", entry)]


@pytest.fixture(scope="module")
def named() -> list[str]:
    """The modules that the document lists."""
    return modules_named(DOCUMENT.read_text(encoding="utf-8"))


def test_architecture_names_every_module(named: list[str]) -> None:
    """No module of `sfr/` is missing from the document; the emulator's inside has a document of its own."""
    assert sorted(modules_there() - set(named)) == []


def test_architecture_names_no_module_that_does_not_exist(named: list[str]) -> None:
    """A module that was renamed or removed is renamed or removed in the document."""
    assert sorted(set(named) - modules_there()) == []


def test_architecture_names_a_module_once(named: list[str]) -> None:
    """Every module has one place in the document."""
    assert sorted({name for name in named if named.count(name) > 1}) == []


def test_modules_named_reads_entries_of_lists_only() -> None:
    """The checks above see what stands at the head of a list entry, and no other code span."""
    text = "- `a.py`, `b/`: what `c.py` does not do\n`d.py`: no entry\n"
    assert modules_named(text) == ["a.py", "b/"]
