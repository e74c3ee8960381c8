"""Validates a row of a report list, cell by cell, and makes a `Report` of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from sfr.config.destination_settings import NO_DESTINATION
from sfr.config.fetch_settings import MAX_AGE_H
from sfr.config.org_settings import EXCEL, ROW_ROUTES
from sfr.config.output_settings import COLUMN_GUARDS, EMPTY_GUARDS, FOOTERS
from sfr.config.report_columns import REPORT_TYPES
from sfr.config.settings import Config
from sfr.formats import FORMATS
from sfr.model import SOQL, Guards, Report
from sfr.report_list.date_template import fill_dates
from sfr.report_list.names import check_directory, check_name
from sfr.report_list.rows import Row
from sfr.salesforce.export_params import ExportParams, parse_export_params, row_params
from sfr.salesforce.report_ids import parse_report_id
from sfr.salesforce.row_filters import NO_FILTERS, RowFilters, parse_row_filters
from sfr.wording import did_you_mean, listed, quoted

_T = TypeVar("_T")
#: Every name that `suspicious_names` warns about contains one of these.
_CHARACTERS_OF_SUSPICIOUS_NAMES = frozenset(".&%$~\u00a0\u202f")
_COUNT = re.compile(r"[0-9]{1,15}")
_HOURS = re.compile(r"[0-9]{1,5}(\.[0-9]{1,9})?")
#: The format of `route: excel`.
WORKBOOK = "xlsx"
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """The result of checking a row."""

    #: None if the row has problems.
    report: Report | None
    problems: tuple[str, ...]
    #: Warnings about valid but probably unintended values.
    warnings: tuple[str, ...]


class _Reading:
    """Reads the cells of one row, collecting problems and warnings."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def warn(self, column: str, warnings: Iterable[str]) -> None:
        """Add warnings about a cell."""
        self.warnings += [self.row.describe(column, warning) for warning in warnings]

    def read(self, column: str, parse: Callable[[str], _T], fallback: _T) -> _T:
        """The parsed cell; for a ValueError, adds its text to the problems and returns the fallback."""
        try:
            return parse(self.row[column])
        except ValueError as error:
            self.problems.append(self.row.describe(column, str(error)))
            return fallback

    def choose(self, column: str, choices: Iterable[str], default: str | None) -> str:
        """One of the choices, case-insensitively; the default for an empty cell, if there is one."""
        by_folded = {choice.casefold(): choice for choice in choices}

        def parse(text: str) -> str:
            if not text and default is not None:
                return default
            if text.casefold() in by_folded:
                return by_folded[text.casefold()]
            found = quoted(text) if text else "nothing"
            near = did_you_mean(text, by_folded.values()) if text else ""
            raise ValueError(f"expected one of {listed(by_folded.values())}; found {found}{near}")

        return self.read(column, parse, "")


class RowCheck:
    """Checks rows, with the configuration's defaults, the run's date and the directory of `--path`."""

    def __init__(self, config: Config, at: datetime, directory: str | None, *, is_single: bool = False) -> None:
        """is_single: rows of `--report`, which are always fetched."""
        self._config = config
        self._at = at
        # Travels to the workers, which need not load a time zone for it.
        self._listed_at = at.replace(tzinfo=timezone(at.utcoffset() or timedelta()))
        self._directory = directory
        self._is_single = is_single

    def check(self, row: Row) -> CheckedRow:
        """The row's report or its problems, and warnings."""
        cells = _Reading(row)
        report_type = cells.choose("report_type", REPORT_TYPES, None)
        is_soql = report_type == SOQL
        route = cells.choose("route", ROW_ROUTES, self._config.salesforce.route)
        is_workbook = route == EXCEL and not is_soql
        if route == EXCEL and is_soql:
            cells.problems.append(
                row.describe("route", "`excel` is for reports; for a workbook of a query, set `format` to `xlsx`")
            )
        format_name = _workbook_format(cells) if is_workbook else self._format(cells)
        params = cells.read(
            "optional_export_params", _parse_no_params if is_soql else self._parse_params, ExportParams("")
        )
        filters = cells.read("filters", _parse_no_filters if is_soql else self._parse_filters, NO_FILTERS)
        _check_row_params(cells, row_params(params.query), filters, is_workbook=is_workbook)
        report = Report(
            position=0,
            report_type=report_type,
            name=cells.read("report_file_name", lambda text: self._parse_name(text, format_name, cells), ""),
            report_id=cells.read(
                "report_id", _parse_no_id if is_soql else lambda text: self._parse_id(text, cells), ""
            ),
            directory=cells.read("report_path", self._parse_directory, ""),
            export_params=params.query,
            format=format_name,
            route=route,
            footer=cells.choose("footer", FOOTERS, self._config.output.footer),
            encoding=params.encoding,
            guards=self._guards(cells),
            soql=cells.read("soql", _parse_soql if is_soql else _parse_no_soql, ""),
            name_template=row["report_file_name"],
            filters=str(filters),
            max_age_h=cells.read("max_age_h", self._parse_age, None),
            deliver=cells.read("deliver", self._parse_destinations, ()),
            table=cells.read("table", _parse_table, ""),
            listed_at=self._listed_at,
        )
        return CheckedRow(None if cells.problems else report, tuple(cells.problems), tuple(cells.warnings))

    def _format(self, cells: _Reading) -> str:
        name = cells.choose("format", FORMATS, self._config.output.format)
        missing = FORMATS[name].missing_extra() if name and cells.row["format"] else None
        if missing:
            cells.problems.append(cells.row.describe("format", missing))
        return name

    def _parse_name(self, text: str, format_name: str, cells: _Reading) -> str:
        name = fill_dates(text, self._at)
        check_name(name, format_name)
        if _CHARACTERS_OF_SUSPICIOUS_NAMES.intersection(name):
            from sfr.report_list.suspicious_names import name_warnings  # needed for few lists

            cells.warn("report_file_name", name_warnings(name, format_name))
        return name

    def _parse_id(self, text: str, cells: _Reading) -> str:
        report_id = parse_report_id(text)
        if "/" in text or "?" in text:
            from sfr.report_list.report_address import check_address  # needed for few lists

            cells.warn("report_id", check_address(text, self._config.salesforce.domain))
        return report_id

    def _parse_directory(self, text: str) -> str:
        directory = check_directory(fill_dates(text, self._at)) if text else self._config.output.directory
        return self._directory or directory

    def _parse_params(self, text: str) -> ExportParams:
        return parse_export_params(fill_dates(text, self._at))

    def _parse_filters(self, text: str) -> RowFilters:
        return parse_row_filters(text, lambda value: fill_dates(value, self._at))

    def _parse_age(self, text: str) -> float | None:
        if self._is_single:
            return None
        return _parse_hours(text) if text else self._config.fetch.max_age_h

    def _parse_destinations(self, text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys(text.split()))
        if names == (NO_DESTINATION,):
            return ()
        known = self._config.destinations
        for name in names:
            if name == NO_DESTINATION:
                raise ValueError("`none` stands beside other names; expected it alone, or names of `destinations`")
            if name not in known:
                expected = f"one of {listed(known)}" if known else "a name of `destinations`, of which there are none"
                raise ValueError(
                    f"unknown destination {quoted(name)}{did_you_mean(name, known) or f'; expected {expected}'}"
                )
        return names or self._config.output.deliver

    def _guards(self, cells: _Reading) -> Guards:
        defaults = self._config.guards
        return Guards(
            min_rows=cells.read("min_rows", lambda text: _parse_count(text) if text else defaults.min_rows, None),
            max_drop_pct=cells.read(
                "max_drop_pct", lambda text: _parse_percent(text) if text else defaults.max_drop_pct, None
            ),
            columns=cells.choose("columns", COLUMN_GUARDS, defaults.columns),
            may_be_empty=cells.choose("may_be_empty", EMPTY_GUARDS, defaults.may_be_empty),
        )


def _parse_table(text: str) -> str:
    if not text:
        return ""
    if not text.isprintable() or not any(character.isalnum() for character in text):
        raise ValueError(f"{quoted(text)} is not a name for a table; expected letters, digits and _")
    if set(text) & set('."'):
        raise ValueError(
            f"{quoted(text)} is not a name for a table; expected one without dot and quotes (`schema` is an option)"
        )
    return text


def _parse_count(text: str) -> int:
    if not _COUNT.fullmatch(text):
        raise ValueError(f"expected a whole number of at least 0; found {quoted(text)}")
    return int(text)


def _parse_percent(text: str) -> float:
    if not _PERCENT.fullmatch(text) or float(text) > 100:
        raise ValueError(f"expected a number from 0 to 100, without `%`; found {quoted(text)}")
    return float(text)


def _parse_hours(text: str) -> float:
    if not _HOURS.fullmatch(text) or float(text) > MAX_AGE_H:
        raise ValueError(f"expected a number of hours from 0 to {MAX_AGE_H:,.0f}; found {quoted(text)}")
    return float(text)


def _workbook_format(cells: _Reading) -> str:
    if cells.row["format"].casefold() not in ("", WORKBOOK):
        found = quoted(cells.row["format"])
        cells.problems.append(
            cells.row.describe(
                "format", f"`route: excel` saves a workbook; expected `{WORKBOOK}` or nothing, found {found}"
            )
        )
    return WORKBOOK


def _check_row_params(cells: _Reading, names: list[str], filters: RowFilters, *, is_workbook: bool) -> None:
    """Add a problem for export parameters that select rows where `filters` or `route: excel` does."""
    shown = listed(names)
    if names and filters != NO_FILTERS:
        cells.problems.append(
            cells.row.describe(
                "filters", f"select rows, and so does `optional_export_params` ({shown}); expected one of both"
            )
        )
    elif names and is_workbook:
        problem = f"selects rows by {shown}, which `route: excel` does not support; use the column `filters`"
        cells.problems.append(cells.row.describe("optional_export_params", problem))


def _parse_no_filters(text: str) -> RowFilters:
    if text:
        raise ValueError("is for rows of type SFDC only; the query of a SOQL row has its own WHERE")
    return NO_FILTERS


def _parse_soql(text: str) -> str:
    if not text:
        raise ValueError("is empty; a SOQL row needs a query, such as SELECT Id, Name FROM Account")
    if "\0" in text:
        raise ValueError("contains a NUL character; expected a query")
    if not text.casefold().startswith("select"):
        raise ValueError(f"{quoted(text, 40)} is not a query; expected one that starts with SELECT")
    return text


def _parse_no_soql(text: str) -> str:
    if text:
        raise ValueError("is for rows of type SOQL only; expected an empty cell, or report_type SOQL")
    return ""


def _parse_no_id(text: str) -> str:
    if text:
        raise ValueError(f"{quoted(text)} is for rows of type SFDC only; the query of a SOQL row goes into soql")
    return ""


def _parse_no_params(text: str) -> ExportParams:
    if text:
        raise ValueError("is for rows of type SFDC only; expected an empty cell")
    return ExportParams("")
