"""Checks that no two reports of a run share a file, and that none uses a file of SFR itself."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sfr.config.own_files import own_files
from sfr.config.settings import Config
from sfr.model import Report
from sfr.report_list.names import folded, lookalike
from sfr.report_list.rows import Row
from sfr.wording import quoted


@dataclass(frozen=True, slots=True)
class Collisions:
    """Errors and warnings about the destinations of a list."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


class _Destinations:
    """The destinations seen so far."""

    def __init__(self, owners: Mapping[str, str], state_directory: str) -> None:
        self._owners = owners
        self._state_directory = state_directory
        self._first_by_name: dict[tuple[str, str], tuple[str, str]] = {}
        self._first_by_path: dict[str, tuple[str, str]] = {}
        self._first_by_look: dict[tuple[str, str], tuple[str, str]] = {}
        self._resolved: dict[str, str] = {}

    def add(self, row: Row, report: Report) -> str | None:
        """Add a report's destination; returns an error, if any."""
        directory = self._resolved.get(report.directory)
        if directory is None:
            directory = self._resolved[report.directory] = os.path.realpath(report.directory)
        path = os.path.realpath(f"{directory}/{report.name}.{report.format}")
        this = (row.place, report.name)
        first = self._first_by_name.setdefault((directory, folded(report.name)), this)
        conflict = _describe_same_name(report.name, *first) if first != this else None
        if conflict is None and (linked := self._first_by_path.setdefault(path, this)) != this:
            conflict = (
                f"{quoted(report.name)} would be the same file as {quoted(linked[1])} of {linked[0]}, through a link"
            )
        if conflict is not None:
            return row.describe("report_file_name", f"{conflict}; expected another name or report_path")
        if path in self._owners:
            return row.describe(
                "report_file_name",
                f"{quoted(report.path, 300)} is already the file of {self._owners[path]}; expected another file",
            )
        if f"{path}/".startswith(f"{self._state_directory}/"):
            return row.describe(
                "report_path", f"{quoted(report.directory, 300)} is where SFR keeps its own files; expected another one"
            )
        return None

    def lookalike_warning(self, row: Row, report: Report) -> str | None:
        """A warning about an added destination, if its name looks like that of an earlier one."""
        look = (self._resolved[report.directory], lookalike(report.name))
        place, name = self._first_by_look.setdefault(look, (row.place, report.name))
        if place == row.place:
            return None
        return row.describe(
            "report_file_name",
            f"{quoted(report.name)} differs from {quoted(name)} of {place} in the width or style of characters only: "
            "the two files are easily confused",
        )


def _describe_same_name(name: str, place: str, first: str) -> str:
    if name == first:
        return f"{quoted(name)} is already used by {place} in the same directory"
    parts = "case" if name.casefold() == first.casefold() else "case, invisible characters or the encoding of accents"
    return (
        f"{quoted(name)} conflicts with {quoted(first)} of {place} in the same directory (the names differ only in "
        f"{parts})"
    )


def find_collisions(planned: Iterable[tuple[Row, Report]], config: Config) -> Collisions:
    """Errors and warnings about the destinations: links are resolved, `--path` and dates have been applied."""
    owners = {path: option for option, path in own_files(config)}
    destinations = _Destinations(owners, os.path.realpath(config.state_directory))
    problems: list[str] = []
    warnings: list[str] = []
    for row, report in planned:
        problem = destinations.add(row, report)
        warning = None if problem else destinations.lookalike_warning(row, report)
        problems += [problem] if problem else []
        warnings += [warning] if warning else []
    return Collisions(tuple(problems), tuple(warnings))
