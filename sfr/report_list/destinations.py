"""No two reports of a run share a file, and none takes a file that SFR uses itself."""

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
    """What is wrong, and what is doubtful, with the destinations of a list."""

    problems: tuple[str, ...]
    warnings: tuple[str, ...]


class _Destinations:
    """The destinations met so far."""

    def __init__(self, owners: Mapping[str, str], state_directory: str) -> None:
        self._owners = owners
        self._state_directory = state_directory
        self._place_by_name: dict[tuple[str, str], str] = {}
        self._place_by_path: dict[str, str] = {}
        self._first_by_look: dict[tuple[str, str], tuple[str, str]] = {}
        self._resolved: dict[str, str] = {}

    def add(self, row: Row, report: Report) -> str | None:
        """Note a report's destination; returns what is wrong with it."""
        directory = self._resolved.get(report.directory)
        if directory is None:
            directory = self._resolved[report.directory] = os.path.realpath(report.directory)
        path = os.path.realpath(f"{directory}/{report.name}.{report.format}")
        name = (directory, folded(report.name))
        earlier = self._place_by_name.setdefault(name, row.place)
        if earlier == row.place:
            earlier = self._place_by_path.setdefault(path, row.place)
        if earlier != row.place:
            return row.describe(
                "report_file_name",
                f"{quoted(report.name)} is in the same directory as the same name (upper and lower case, dates, links "
                f"and characters that cannot be seen considered) of {earlier}; expected another name or report_path",
            )
        if path in self._owners:
            return row.describe(
                "report_file_name",
                f"{quoted(report.path, 300)} is the file of {self._owners[path]}; expected a file of its own",
            )
        if f"{path}/".startswith(f"{self._state_directory}/"):
            return row.describe(
                "report_path", f"{quoted(report.directory, 300)} is where SFR keeps its own files; expected another one"
            )
        return None

    def doubt(self, row: Row, report: Report) -> str | None:
        """A warning about a destination that is added, if people will take its name for that of an earlier one."""
        look = (self._resolved[report.directory], lookalike(report.name))
        place, name = self._first_by_look.setdefault(look, (row.place, report.name))
        if place == row.place:
            return None
        return row.describe(
            "report_file_name",
            f"{quoted(report.name)} differs from {quoted(name)} of {place} in the width or style of characters only: "
            "two files that people may take for one",
        )


def find_collisions(planned: Iterable[tuple[Row, Report]], config: Config) -> Collisions:
    """What is wrong with the destinations: links are resolved, `--path` and dates already applied."""
    owners = {path: option for option, path in own_files(config)}
    destinations = _Destinations(owners, os.path.realpath(config.state_directory))
    problems: list[str] = []
    warnings: list[str] = []
    for row, report in planned:
        problem = destinations.add(row, report)
        warning = None if problem else destinations.doubt(row, report)
        problems += [problem] if problem else []
        warnings += [warning] if warning else []
    return Collisions(tuple(problems), tuple(warnings))
