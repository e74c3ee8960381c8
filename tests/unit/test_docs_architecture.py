"""docs/architecture.md names every package of the program, and none that does not exist."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "architecture.md"
PACKAGE = ROOT / "sfr"
#: A package as the document writes it: a list entry that begins with its path.
ENTRY = re.compile(r"^- `([a-z_/]+/)`: ", re.MULTILINE)
#: Packages whose inside the entry of the package above describes.
INSIDE_OTHERS = {"emulator/", "salesforce/routes/analytics/", "summaries/html/"}


def packages_there() -> set[str]:
    """Paths below `sfr/` of all packages that need an entry."""
    found = {f"{path.parent.relative_to(PACKAGE).as_posix()}/" for path in PACKAGE.rglob("__init__.py")} - {"./"}
    return {name for name in found if not any(name.startswith(one) for one in INSIDE_OTHERS)} | {"emulator/"}


@pytest.fixture(scope="module")
def named() -> list[str]:
    """The packages that the document lists."""
    return ENTRY.findall(DOCUMENT.read_text(encoding="utf-8"))


def test_architecture_names_every_package(named: list[str]) -> None:
    """No package is missing from the document."""
    assert sorted(packages_there() - set(named)) == []


def test_architecture_names_no_package_that_does_not_exist(named: list[str]) -> None:
    """A package that was renamed or removed is renamed or removed in the document."""
    assert sorted(set(named) - packages_there()) == []


def test_architecture_names_a_package_once(named: list[str]) -> None:
    """Every package has one place in the document."""
    assert sorted({name for name in named if named.count(name) > 1}) == []


REQUIREMENT = re.compile(r"^ *([A-Za-z][\w.-]*)(?:\[\w,]+\])?([<>=][^;\s]*)", re.MULTILINE)


def requirements() -> dict[str, str]:
    """What running SFR needs, with and without extras, and the bounds; not what its tests need."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = dict(setup["options.extras_require"])
    text = "\n".join(
        [(ROOT / "requirements.txt").read_text(encoding="utf-8"), *(extras[e] for e in extras if e != "test")]
    )
    return dict(REQUIREMENT.findall(text))


def test_architecture_names_every_requirement_with_its_bounds() -> None:
    """A bound that is changed is changed in the table of dependencies."""
    table = DOCUMENT.read_text(encoding="utf-8").partition("## Dependencies")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]

    found = requirements()
    assert {"requests", "PyYAML", "duckdb"} <= set(found)
    missing = [
        f"{name}{bounds}"
        for name, bounds in found.items()
        if name != "tzdata" and not any(name in row and bounds in row for row in rows)
    ]
    assert missing == []
