"""Checks that no two deliveries of a run share a target, and that none writes to a file of SFR or to a report file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote

from sfr.config.destination_settings import kind_of
from sfr.config.own_files import own_files
from sfr.config.settings import Config
from sfr.destinations import KINDS, Destination, Item, Surroundings
from sfr.model import Report
from sfr.report_list.date_template import fill_dates
from sfr.report_list.rows import Row
from sfr.wording import quoted


def make_destinations(config: Config) -> dict[str, Destination]:
    """The configured destinations by name. Does no I/O."""
    limits = config.deliveries
    surroundings = Surroundings(
        fill_dates, config.output.file_mode_bits, limits.connect_timeout_s, limits.idle_timeout_s
    )
    return {name: KINDS[kind_of(one)].make(one, surroundings) for name, one in config.destinations.items()}


def find_target_problems(planned: Sequence[tuple[Row, Report]], config: Config, at: datetime) -> list[str]:
    """All that is wrong with the targets of a list, dates filled in, and with the settings of unused destinations."""
    if not config.destinations:
        return []
    destinations = make_destinations(config)
    unused = set(destinations).difference(*(report.deliver for _, report in planned))
    problems = [_settings_problem(name, destinations[name], at) for name in sorted(unused)]
    targets = _Targets(config, destinations, (report for _, report in planned))
    problems += [targets.add(row, report, name) for row, report in planned for name in report.deliver]
    return [problem for problem in problems if problem]


def _settings_problem(name: str, destination: Destination, at: datetime) -> str | None:
    """What is wrong with the settings of a destination, such as its dates."""
    try:
        destination.target(Item("name", "name", "", "csv", "utf-8", "", at))
    except ValueError as error:
        return f"destinations.{name}: {error}"
    return None


def shared_targets(config: Config, reports: Sequence[Report]) -> Iterator[tuple[str, str]]:
    """(what identifies it, as shown) of the target of every delivery, to compare with those of another configuration.

    The reports have passed `find_target_problems`.
    """
    if not config.destinations:
        return
    destinations = make_destinations(config)
    for report in reports:
        item = Item.of(report)
        for name in report.deliver:
            destination = destinations[name]
            target = destination.target(item)
            yield _key(destination, destination.local_file(item), target), unquote(target)


class _Targets:
    """The targets seen so far."""

    def __init__(self, config: Config, destinations: Mapping[str, Destination], reports: Iterable[Report]) -> None:
        self._destinations = destinations
        self._owners = {path: f"the file of {option}" for option, path in own_files(config)}
        for report in reports:
            self._owners.setdefault(os.path.realpath(report.path), f"the file of the report {quoted(report.name)}")
        self._state_directory = os.path.realpath(config.state_directory)
        self._first: dict[str, str] = {}
        #: Local files → whether reports are the file itself, or tables in it.
        self._local: dict[str, bool] = {}

    def add(self, row: Row, report: Report, name: str) -> str | None:
        """Add one target; returns what is wrong with it, if anything."""
        destination, item = self._destinations[name], Item.of(report)
        try:
            target = destination.target(item)
        except ValueError as error:
            return row.describe("deliver", f"{name}: {error}")
        local = destination.local_file(item)
        if local:
            problem = self._local_problem(os.path.realpath(local), is_file=not destination.exclusive_file)
            if problem:
                return row.describe("deliver", f"{name}: {problem}; expected another target")
        first = self._first.setdefault(_key(destination, local, target), f"{row.place} ({name})")
        if first != f"{row.place} ({name})":
            return row.describe(
                "deliver",
                f"{name}: {quoted(unquote(target), 300)} is already the target of {first}; expected another",
            )
        return None

    def _local_problem(self, path: str, *, is_file: bool) -> str | None:
        if path in self._owners:
            return f"{quoted(path, 300)} is already {self._owners[path]}"
        if path.startswith(f"{self._state_directory}/"):
            return f"{quoted(path, 300)} would lie where SFR keeps its own files"
        if self._local.setdefault(path, is_file) != is_file:
            return f"{quoted(path, 300)} would be both a report file and a database"
        return None


def _key(destination: Destination, local: str, target: str) -> str:
    """What two targets have in common if they are one: links are resolved, and case does not count."""
    if local:
        table = target.rpartition("/")[2] if destination.exclusive_file else ""
        return f"{os.path.realpath(local)}\0{unquote(table)}".casefold()
    return unquote(target).casefold()
