"""Lets a person choose folders and reports from the org's own list; without a terminal, by patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from sfr.commands.setup.questions import Questions
from sfr.errors import UsageError
from sfr.salesforce.catalogue import CatalogueEntry
from sfr.terminal.figures import counted
from sfr.wording import quoted, shown

ALL = "all"
NO_FOLDER = "(without a folder)"


def choose_reports(
    entries: Sequence[CatalogueEntry], patterns: Sequence[str] | None, asks: Questions
) -> list[CatalogueEntry]:
    """The chosen reports, in the org's order. patterns: of folders, None if none were given.

    Raises UsageError if no folder matches a pattern.
    """
    if patterns:
        return _matching(entries, patterns)
    if not asks.is_interactive or not entries:
        return list(entries)
    folders = list(dict.fromkeys(entry.folder for entry in entries))
    numbers = _ask_numbers(asks, "Folders", _folder_table(entries, folders), len(folders))
    chosen = [entry for entry in entries if folders.index(entry.folder) + 1 in numbers]
    if asks.confirm(f"Take {_all_of(len(chosen))}?"):
        return chosen
    table = "\n".join(f"  {number:4}  {shown(entry.name)}" for number, entry in enumerate(chosen, 1))
    numbers = _ask_numbers(asks, "Reports", f"These reports:\n{table}", len(chosen))
    return [entry for number, entry in enumerate(chosen, 1) if number in numbers]


def _matching(entries: Sequence[CatalogueEntry], patterns: Sequence[str]) -> list[CatalogueEntry]:
    for pattern in patterns:
        if not any(fnmatchcase(entry.folder, pattern) for entry in entries):
            folders = ", ".join(quoted(folder) for folder in sorted({entry.folder for entry in entries})[:20])
            raise UsageError(f"--folders: no folder matches {quoted(pattern)}; there are {folders or 'none'}")
    return [entry for entry in entries if any(fnmatchcase(entry.folder, pattern) for pattern in patterns)]


def _folder_table(entries: Sequence[CatalogueEntry], folders: Sequence[str]) -> str:
    lines = []
    for number, folder in enumerate(folders, 1):
        count = sum(entry.folder == folder for entry in entries)
        lines.append(f"  {number:4}  {shown(folder) or NO_FOLDER}  ({counted(count, 'report')})")
    return "The folders with reports that this user has access to:\n" + "\n".join(lines)


def _all_of(count: int) -> str:
    return "this report" if count == 1 else f"all {count:,} reports of these folders"


def _ask_numbers(asks: Questions, question: str, why: str, most: int) -> set[int]:
    """Numbers, such as `1,3-5`, or `all`."""

    def checked(answer: str) -> str:
        parse_numbers(answer, most)
        return answer

    return parse_numbers(asks.ask(f"{question} (such as 1,3-5)", why, ALL, checked), most)


def parse_numbers(text: str, most: int) -> set[int]:
    """The numbers from 1 to `most` in a text such as `1,3-5`, or `all`. Raises ValueError."""
    if text.strip().lower() == ALL:
        return set(range(1, most + 1))
    expected = f"numbers from 1 to {most}, such as `1` or `1,3-5`, or `{ALL}`"
    numbers: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip()):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= most:
            raise ValueError(expected)
        numbers.update(range(first, last + 1))
    return numbers
