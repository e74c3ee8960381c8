"""Route `analytics`: the Reports REST API, which takes a Bearer token and needs no browser session.

    describe ─► run as one flat table ─► complete? ─► CSV
                                            └─ no ─► slices by record id, 2,000 rows at a time ─► CSV

The result has the flat form of the classic export, "details only"; docs/routes.md lists the differences. Memory holds
one page. Sources: salesforce-facts.md §3.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.export_params import row_params
from sfr.salesforce.rest import JOB_TRIES, RestApi
from sfr.salesforce.routes.analytics.description import ID, TABULAR, Column, Description, parse_description
from sfr.salesforce.routes.analytics.flattening import flat_rows
from sfr.salesforce.routes.analytics.keys import key_columns
from sfr.salesforce.routes.analytics.order_check import Page
from sfr.salesforce.routes.analytics.plan import (
    Cut,
    Run,
    flat_run,
    has_row_limit,
    refuse_joined,
    saved_run,
    sliced_run,
    too_large_grouped,
)
from sfr.salesforce.routes.analytics.requested_filters import with_filters
from sfr.salesforce.routes.analytics.run_budget import RunBudget
from sfr.salesforce.routes.analytics.run_result import Row, RunResult
from sfr.salesforce.routes.analytics.runs import ReportRuns
from sfr.salesforce.routes.analytics.slices import Slices, best_key
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.routes.csv_lines import csv_lines
from sfr.salesforce.row_filters import parse_row_filters

if TYPE_CHECKING:
    from sfr.model import Payload, Report

log = logging.getLogger(__name__)

#: A description lists every column of the report type, with the values of its picklists.
MAX_DESCRIPTION_BYTES = 64 * 1024 * 1024


def fetch(context: FetchContext) -> Payload:
    """Write the CSV of one report to `context.incoming`.

    Raises `ReportError`: the API's own errors; `invalid` for a joined report, one that cannot be sliced, and export
    parameters that this route does not support; `truncated` if slices are inconsistent; `rate_limited` and `timeout` as
    soon as it is clear that the report does not fit into the org's limits or the attempt's time.
    """
    report = context.report
    _refuse_params(report)
    api = RestApi.of(context)
    filters = parse_row_filters(report.filters)
    description = describe(report.report_id, api)
    refuse_joined(description)
    description = with_filters(description, filters)
    runs = ReportRuns(api, report.report_id, filters)
    output = _Output(context)
    if description.format != TABULAR and has_row_limit(description):
        _write_saved(description, runs, output)
    else:
        _write_flat(description, runs, output)
    log.debug("%s: %d rows by %d runs, %d requests.", report.name, output.rows, runs.count, api.calls)
    return context.payload(has_footer=False)


def refuse_if_joined(context: FetchContext) -> None:
    """Raise `ReportError` `invalid` if the API describes the report as joined; any failure of the API is ignored."""
    try:
        description = describe(context.report.report_id, RestApi.of(context))
    except ReportError as error:
        log.debug("%s could not be described: %s", context.report.name, error.message)
        return
    refuse_joined(description)


def describe(report_id: str, api: RestApi) -> Description:
    """The report's description. Raises `ReportError`."""
    path = f"/analytics/reports/{report_id}/describe"
    return parse_description(api.call("GET", path, limit_bytes=MAX_DESCRIPTION_BYTES).json())


@dataclass(slots=True)
class _Output:
    """Writes rows to the incoming body."""

    context: FetchContext
    rows: int = 0

    def begin(self, columns: Iterable[Column]) -> None:
        """Write the header: the columns' labels."""
        self.context.incoming.note_first_byte()
        self.context.incoming.write(csv_lines([[column.label for column in columns]], self.context.report.encoding))

    def write(self, rows: list[Row]) -> None:
        """Write rows."""
        self.rows += len(rows)
        if rows:
            self.context.incoming.write(csv_lines((row.texts for row in rows), self.context.report.encoding))


def _refuse_params(report: Report) -> None:
    others = row_params(report.export_params)
    if others:
        raise ReportError(
            ErrorKind.INVALID,
            f"The export parameters {', '.join(f'`{name}`' for name in others)} work with the classic export only; "
            "`analytics` would return different rows.",
            remedy="Put the filters into the report itself, or use `route: classic`.",
            permanent=True,
        )


def _write_flat(description: Description, runs: ReportRuns, output: _Output) -> None:
    flat = flat_run(description)
    try:
        result = runs.run(flat)
    except ReportError as error:
        if error.kind is not ErrorKind.INVALID or description.format == TABULAR:
            raise
        log.info(
            "%s: running it as saved, since it cannot be run as a table: %s", output.context.report.name, error.message
        )
        _write_saved(description, runs, output)
        return
    if not result.is_complete:
        _write_slices(description, flat, runs, output, result)
        return
    output.begin(description.exported)
    output.write(_whole(result, flat_rows(result, ())))


def _write_saved(description: Description, runs: ReportRuns, output: _Output) -> None:
    result = runs.run(saved_run(description))
    if not result.is_complete:
        raise too_large_grouped()
    groupings = [description.column(name) for name in description.groupings]
    rows = flat_rows(result, [column.data_type for column in groupings])
    details = [description.column(name) for name in description.details]
    output.begin([*groupings, *details])
    output.write(_whole(result, rows))


def _whole(result: RunResult, rows: list[Row]) -> list[Row]:
    """The rows of a complete result, if their number matches its row count."""
    if result.row_count is not None and result.row_count > len(rows):
        raise ReportError(
            ErrorKind.TRUNCATED,
            f"Salesforce counted {result.row_count:,} rows, but returned {len(rows):,} and marked the result as "
            "complete.",
            remedy="Use `route: classic` for this report.",
        )
    return rows


def _page(result: RunResult) -> Page:
    rows = flat_rows(result, ())
    if result.is_complete:
        return Page(_whole(result, rows), is_last=True, row_count=len(rows))
    return Page(rows, is_last=False, row_count=_total_rows(result, rows))


def _total_rows(result: RunResult, rows: list[Row]) -> int | None:
    """The total number of rows of a partial result; None if the count cannot be the total, not exceeding the part."""
    return result.row_count if result.row_count is not None and result.row_count > len(rows) else None


def _write_slices(description: Description, flat: Run, runs: ReportRuns, output: _Output, result: RunResult) -> None:
    begin = flat_rows(result, ())
    keys, page_rows, counted = key_columns(description, begin), len(begin), _total_rows(result, begin)
    del begin
    allowance = RunBudget(runs, output.context.report.name, counted, page_rows)
    allowance.open()

    def fetch_page(cut: Cut, by: tuple[Column, ...]) -> Page:
        allowance.before_run(output.rows)
        found = runs.api.with_retries(lambda: runs.run(sliced_run(flat, by, cut)), JOB_TRIES)
        return _page(found)

    first = fetch_page(Cut(), keys)
    best = best_key(first.rows, len(keys))
    key = keys[best]
    if best:
        first = fetch_page(Cut(), (key,))
    elif len(keys) > 1:
        first = Page([Row(row.texts, row.keys[:1]) for row in first.rows], first.is_last, first.row_count)
    log.debug("%s: sliced by %s.", output.context.report.name, key.name)
    output.begin(description.exported)
    for rows in Slices(lambda cut: fetch_page(cut, (key,)), is_text=key.data_type != ID).rows(first):
        output.write(rows)
