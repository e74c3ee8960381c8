"""Builds the reports that a scenario adds."""

from __future__ import annotations

from dataclasses import replace

from sfr.emulator.analytics.run_plan import PlanError
from sfr.emulator.analytics.run_rows import rows_shown
from sfr.emulator.catalogue.catalogue import Catalogue
from sfr.emulator.catalogue.reports import Report
from sfr.emulator.exports.csv_text import CsvTiles
from sfr.emulator.scenarios.actions import ScenarioError
from sfr.emulator.scenarios.scenario import CustomReport


def make_report(catalogue: Catalogue, tiles: CsvTiles, custom: CustomReport) -> Report:
    """The report; does not add it. Raises ScenarioError for filters that Salesforce would reject."""
    report = catalogue.new_report(
        custom.name, rows=custom.rows or 0, folder=custom.folder, saved=custom.saved, visible=custom.visible
    )
    report = replace(
        report,
        row_limit=custom.row_limit,
        has_cross_filter=custom.has_cross_filter,
        has_record_count=custom.has_record_count,
    )
    if custom.size_bytes is not None:
        sample = replace(report, rows=1_000)
        rows = tiles.rows_for(sample, custom.size_bytes)
        report = replace(report, rows=rows, table=replace(report.table, rows=rows))
    if custom.row_limit is not None:
        report = replace(report, rows=min(report.rows, custom.row_limit))
    return _filtered(report, custom) if custom.is_filtered else report


def _filtered(report: Report, custom: CustomReport) -> Report:
    report = replace(
        report,
        filters=custom.filters,
        filter_logic=custom.filter_logic,
        start_date=custom.start_date,
        end_date=custom.end_date,
    )
    try:
        return replace(report, shown=rows_shown(report))
    except PlanError as error:
        raise ScenarioError(f"reports: {report.name}: {error}") from None
