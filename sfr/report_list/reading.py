"""From lists to reports: checks every row, fills in dates and defaults, and says everything that is wrong at once.

CSV file, reports.items │ --report │ sfr.run(reports=…)  ─► Row ─► Report ─► --only ─► destinations checked
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from fnmatch import fnmatchcase

from sfr.config.path_text import absolute_path
from sfr.config.settings import Config
from sfr.config.time_zone import in_zone
from sfr.errors import ReportListError
from sfr.model import Report
from sfr.report_list.destinations import find_collisions
from sfr.report_list.row_check import RowCheck
from sfr.report_list.rows import Row, rows_of_arguments, rows_of_file, rows_of_items, rows_of_mappings
from sfr.wording import quoted, shown


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

    now: the run's start, with an offset; dates are told in the configuration's time zone.
    arguments: values of `--report`; given, they stand instead of the configured list and items.
    rows: mappings with the list's column names as keys; not None, they do so too.
    only: shell patterns; a report stays if its name or id (15 or 18 characters) matches one.
    path: a directory that takes the place of every report's own.
    warnings: gets sentences about what is taken as it stands, though something else was meant as a rule.

    Raises ReportListError with every problem found, or for an empty selection. Reads files, writes none.
    """
    problems: list[str] = []
    found = _read_rows(config, arguments, rows, problems)
    check = RowCheck(config, in_zone(now, config.timezone), None if path is None else _check_path(path))
    planned: list[tuple[Row, Report]] = []
    doubts: list[str] = []
    for row in found:
        checked = check.check(row)
        problems += checked.problems
        doubts += checked.warnings
        if checked.report is not None:
            planned.append((row, checked.report))
    selected = [(row, report) for row, report in planned if not only or _matches(report, only)]
    # With --path, only what is selected meets in one directory; without, the list must be right as it stands.
    collisions = find_collisions(planned if path is None else selected, config)
    problems += collisions.problems
    if warnings is not None:
        warnings += [*doubts, *collisions.warnings]
    if problems:
        raise ReportListError(*problems)
    if not selected:
        raise ReportListError(_describe_empty(config, only, is_empty=not planned))
    return tuple(replace(report, position=position) for position, (_, report) in enumerate(selected))


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
        raise ReportListError("--path: is empty or holds a NUL character; expected a directory")
    try:
        return absolute_path(path)
    except ValueError as error:
        raise ReportListError(f"--path: expected {error}; found {quoted(path)}") from error


def _matches(report: Report, patterns: Sequence[str]) -> bool:
    names = {report.name, report.name_template, report.report_id, report.report_id[:15]} - {""}
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)


def _describe_empty(config: Config, only: Sequence[str], *, is_empty: bool) -> str:
    if not is_empty:
        patterns = ", ".join(map(quoted, only))
        return f"--only: no report's name or id matches {patterns}; expected a shell pattern such as 'Sales*'"
    source = shown(os.path.relpath(config.reports.list), 300) if config.reports.list else "the report list"
    return f"{source}: holds no report; expected at least one row under the header"
