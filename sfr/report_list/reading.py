"""Turns lists into reports: checks every row, fills in dates and defaults, and reports all errors at once.

CSV file, reports.items │ --report │ sfr.run(reports=…)  ─► Row ─► Report ─► --only ─► destinations checked
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from sfr.config.settings import Config
from sfr.config.time_zone import in_zone
from sfr.errors import ReportListError
from sfr.model import Report
from sfr.options.path_text import absolute_path
from sfr.report_list.delivery_targets import find_target_problems
from sfr.report_list.destinations import find_collisions
from sfr.report_list.row_check import RowCheck
from sfr.report_list.rows import Row, rows_of_arguments, rows_of_file, rows_of_items, rows_of_mappings
from sfr.wording import did_you_mean, quoted, shown

#: `input/reports.csv:3: …`, `--report 2: …`, `conf/prod.yaml:12: …`, `reports[1]: …`.
_PLACE = re.compile(r"(.*?)[: \[]([0-9]+)\]?: ")


def load_reports(
    config: Config,
    *,
    now: datetime,
    arguments: Sequence[str] = (),
    rows: Sequence[Mapping[str, object]] | None = None,
    only: Sequence[str] = (),
    path: str | None = None,
    warnings: list[str] | None = None,
) -> tuple[Report, ...]:
    """The reports of a run, in list order, positions counted from 0.

    now: the run's start, with an offset; dates are in the configuration's time zone.
    arguments: values of `--report`, which replace the configured list and items.
    rows: mappings with the list's column names as keys; unless None, they replace the configured list and items too.
    only: shell patterns; selects reports whose name or id (15 or 18 characters) matches one.
    path: a directory that overrides those of all reports.
    warnings: warnings about valid but probably unintended values are appended to it.

    Raises ReportListError with all problems found, or for an empty selection. Reads files, writes none.
    """
    problems: list[str] = []
    found = _read_rows(config, arguments, rows, problems)
    directory = None if path is None else _check_path(path)
    check = RowCheck(config, in_zone(now, config.timezone), directory, is_single=bool(arguments))
    planned: list[tuple[Row, Report]] = []
    row_warnings: list[str] = []
    for row in found:
        checked = check.check(row)
        problems += checked.problems
        row_warnings += checked.warnings
        if checked.report is not None:
            planned.append((row, checked.report))
    selected = [(row, report) for row, report in planned if not only or _matches(report, only)]
    # With --path, only selected reports share the directory; without it, the whole list has to be consistent.
    collisions = find_collisions(planned if path is None else selected, config)
    problems += collisions.problems
    problems += find_target_problems(planned, config, now)
    if warnings is not None:
        warnings += _by_line([*row_warnings, *collisions.warnings])
    if problems:
        raise ReportListError(*_by_line(problems))
    if not selected:
        names = [report.name for _, report in planned]
        raise ReportListError(_describe_empty(config, only, names, is_given=rows is not None))
    return tuple(replace(report, position=position) for position, (_, report) in enumerate(selected))


def _by_line(messages: Sequence[str]) -> list[str]:
    """The messages in the order of lines, those of each source together."""
    places = [(match[1], int(match[2])) if (match := _PLACE.match(message)) else ("", 0) for message in messages]
    ranks = {source: rank for rank, source in enumerate(dict.fromkeys(source for source, _ in places))}
    order = sorted(range(len(messages)), key=lambda index: (ranks[places[index][0]], places[index][1]))
    return [messages[index] for index in order]


def _read_rows(
    config: Config, arguments: Sequence[str], mappings: Sequence[Mapping[str, object]] | None, problems: list[str]
) -> list[Row]:
    if mappings is not None:
        return rows_of_mappings(mappings, problems)
    if arguments:
        return rows_of_arguments(arguments, problems)
    listed = rows_of_file(config.reports.list, problems) if config.reports.list is not None else []
    return listed + rows_of_items(config.reports.items)


def _check_path(path: str) -> str:
    if not path or "\0" in path:
        raise ReportListError("--path: is empty or contains a NUL character; expected a directory")
    try:
        return absolute_path(path)
    except ValueError as error:
        raise ReportListError(f"--path: expected {error}; found {quoted(path)}") from error


def _matches(report: Report, patterns: Sequence[str]) -> bool:
    names = {report.name, report.name_template, report.report_id, report.report_id[:15]} - {""}
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _describe_empty(config: Config, only: Sequence[str], names: Sequence[str], *, is_given: bool) -> str:
    if names:
        near = did_you_mean(only[0], map(shown, names)) or "; expected a shell pattern such as 'Sales*'"
        return f"--only: no report's name or id matches {', '.join(map(quoted, only))}{near}"
    if is_given:
        return "reports: contains no report; expected at least one mapping with column names as keys"
    source = shown(os.path.relpath(config.reports.list), 300) if config.reports.list else "the report list"
    return f"{source}: contains no report; expected at least one row under the header"
