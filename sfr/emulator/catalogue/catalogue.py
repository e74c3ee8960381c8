"""The org's reports: looked up by either form of their id, added at run time. Thread-safe."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from sfr.emulator.catalogue import objects
from sfr.emulator.catalogue.default_reports import default_objects, default_reports
from sfr.emulator.catalogue.ids import named_id, short_id
from sfr.emulator.catalogue.objects import ObjectTable
from sfr.emulator.catalogue.reports import Report, ReportFormat


@dataclass(frozen=True, slots=True)
class ReportEntry:
    """A report in the ready line. `rows` is the number of records, without the header."""

    id: str
    name: str
    folder: str
    format: ReportFormat
    rows: int


class Catalogue:
    """All reports and objects of an org."""

    def __init__(self, seed: str) -> None:
        self._lock = threading.Lock()
        self.seed = seed
        self.objects = {table.name: table for table in default_objects(seed)}
        self._reports: dict[str, Report] = {}
        for report in default_reports(tuple(self.objects.values())):
            self._reports[report.id[:15]] = report

    def find(self, report_id: str) -> Report | None:
        """The report with this 15- or 18-character id."""
        short = short_id(report_id)
        with self._lock:
            return self._reports.get(short) if short else None

    def reports(self) -> tuple[Report, ...]:
        """Every report, hidden ones included, in order of creation."""
        with self._lock:
            return tuple(self._reports.values())

    def entries(self) -> tuple[ReportEntry, ...]:
        """The reports of the ready line: those visible to the user that can be exported."""
        return tuple(
            ReportEntry(report.id, report.name, report.folder, report.format, report.shown_rows)
            for report in self.reports()
            if report.visible and report.listed and report.format != "MultiBlock"
        )

    def named(self, name_or_id: str) -> Report:
        """The report with this name or id; KeyError if there is none."""
        found = self.find(name_or_id) or next((each for each in self.reports() if each.name == name_or_id), None)
        if found is None:
            raise KeyError(f"the org has no report {name_or_id!r}")
        return found

    def add(self, report: Report) -> None:
        """Add a report, or replace the one with its id."""
        with self._lock:
            self._reports[report.id[:15]] = report

    def new_report(
        self, name: str, *, rows: int, folder: str = "Custom Reports", saved: bool = False, visible: bool = True
    ) -> Report:
        """A tabular report of `rows` generated case records; change it with `replace`, add it with `add`."""
        table = objects.cases(f"{self.seed}/{name}", rows)
        columns = tuple(column.name for column in table.columns if column.name != "CASE_ID")
        report_id = named_id("00O", name)
        return Report(report_id, name, folder, "Tabular", table, rows, columns, saved=saved, visible=visible)

    def new_listed_report(
        self,
        name: str,
        labels: tuple[str, ...],
        records: tuple[tuple[str, ...], ...],
        *,
        folder: str = "Custom Reports",
    ) -> Report:
        """A tabular report of exactly these text records (at most 1,000); add it with `add`."""
        table: ObjectTable = objects.hand_written(name, labels, records)
        columns = tuple(column.name for column in table.columns[1:])
        return Report(named_id("00O", name), name, folder, "Tabular", table, len(records), columns)
