"""Route `analytics`: the Reports REST API, which takes a Bearer token and needs no browser session.

    describe ─► run as one flat table ─► all there? ─► CSV
                                            └─ no ─► slices by record id, 2,000 rows at a time ─► CSV

The result is the flat form of the classic export, "details only"; docs/routes.md says what differs. Memory holds one
page. Sources: salesforce-facts.md §3.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from sfr.connectors.analytics.agreement import Page
from sfr.connectors.analytics.allowance import Allowance
from sfr.connectors.analytics.answer import Row, RunAnswer
from sfr.connectors.analytics.description import ID, TABULAR, Column, Description, parse_description
from sfr.connectors.analytics.flattening import flat_rows
from sfr.connectors.analytics.keys import key_columns
from sfr.connectors.analytics.plan import (
    Cut,
    Run,
    flat_run,
    has_row_limit,
    refuse_joined,
    saved_run,
    sliced_run,
    too_large_grouped,
)
from sfr.connectors.analytics.runs import ReportRuns
from sfr.connectors.analytics.slices import Slices, best_key
from sfr.connectors.csv_lines import csv_lines
from sfr.connectors.exchange import Exchange, Received
from sfr.connectors.rest import JOB_TRIES, RestApi
from sfr.errors import ErrorKind, ReportError

if TYPE_CHECKING:
    from sfr.model import Report

log = logging.getLogger(__name__)

#: A description lists every column that the report's type offers, with the values of its picklists.
LARGEST_DESCRIPTION_BYTES = 64 * 1024 * 1024
#: Export parameters that say nothing about which rows there are.
_HARMLESS_PARAMS = frozenset({"export", "enc", "xf", "isdtp", "excel", "details"})


def fetch(report: Report, exchange: Exchange) -> Received:
    """Assemble the CSV of one report in `exchange.reception`.

    Raises `ReportError`: what the API says; `invalid` for a joined report, one that cannot be sliced, and export
    parameters that this route cannot honour; `truncated` where slices do not fit together; `rate_limited` and `timeout`
    as soon as it is clear that the report cannot be had within the org's limits or the attempt's time.
    """
    _refuse_params(report)
    api = RestApi.of(exchange)
    description = _describe(report, api)
    refuse_joined(description)
    runs = ReportRuns(api, report.report_id)
    output = _Output(report, exchange)
    if description.format != TABULAR and has_row_limit(description):
        _write_saved(description, runs, output)
    else:
        _write_flat(description, runs, output)
    log.debug("%s: %d rows by %d runs, %d requests.", report.name, output.rows, runs.count, api.calls)
    return Received(first_byte_clock_s=output.first_byte_clock_s, has_footer=False)


def refuse_if_joined(report: Report, exchange: Exchange) -> None:
    """Raises `ReportError` `invalid` if the API says that this is a joined report; else nothing, whatever it says."""
    try:
        description = _describe(report, RestApi.of(exchange))
    except ReportError as error:
        log.debug("%s: not described: %s", report.name, error.message)
        return
    refuse_joined(description)


def _describe(report: Report, api: RestApi) -> Description:
    path = f"/analytics/reports/{report.report_id}/describe"
    return parse_description(api.ask("GET", path, limit_bytes=LARGEST_DESCRIPTION_BYTES).json())


@dataclass(slots=True)
class _Output:
    """Rows on their way into the reception."""

    report: Report
    exchange: Exchange
    rows: int = 0
    first_byte_clock_s: float = 0.0

    def begin(self, columns: Iterable[Column]) -> None:
        """Write the header: the columns' labels."""
        self.first_byte_clock_s = time.monotonic()
        self.exchange.reception.write(csv_lines([[column.label for column in columns]], self.report.encoding))

    def write(self, rows: list[Row]) -> None:
        """Write rows."""
        self.rows += len(rows)
        if rows:
            self.exchange.reception.write(csv_lines((row.texts for row in rows), self.report.encoding))


def row_params(report: Report) -> list[str]:
    """Names of the export parameters that choose rows, which only the classic export can."""
    names = [name for name, _ in parse_qsl(report.export_params.lstrip("?"), keep_blank_values=True)]
    return sorted(set(names) - _HARMLESS_PARAMS)


def _refuse_params(report: Report) -> None:
    others = row_params(report)
    if others:
        raise ReportError(
            ErrorKind.INVALID,
            f"The export parameters {', '.join(f'`{name}`' for name in others)} work with the classic export only; "
            "`analytics` would bring other rows.",
            remedy="Put the filters into the report itself, or use `route: classic`.",
            permanent=True,
        )


def _write_flat(description: Description, runs: ReportRuns, output: _Output) -> None:
    flat = flat_run(description)
    try:
        answer = runs.run(flat)
    except ReportError as error:
        if error.kind is not ErrorKind.INVALID or description.format == TABULAR:
            raise
        log.info("%s: not run as a table, but as saved: %s", output.report.name, error.message)
        _write_saved(description, runs, output)
        return
    if not answer.is_complete:
        _write_slices(description, flat, runs, output, answer)
        return
    output.begin(description.exported)
    output.write(_whole(answer, flat_rows(answer, ())))


def _write_saved(description: Description, runs: ReportRuns, output: _Output) -> None:
    answer = runs.run(saved_run(description))
    if not answer.is_complete:
        raise too_large_grouped()
    groupings = [description.column(name) for name in description.groupings]
    rows = flat_rows(answer, [column.data_type for column in groupings])
    details = [description.column(name) for name in description.details]
    output.begin([*groupings, *details])
    output.write(_whole(answer, rows))


def _whole(answer: RunAnswer, rows: list[Row]) -> list[Row]:
    """The rows of an answer that says that it is complete, if it has as many as it counted."""
    if answer.row_count is not None and answer.row_count > len(rows):
        raise ReportError(
            ErrorKind.TRUNCATED,
            f"Salesforce counted {answer.row_count:,} rows, sent {len(rows):,}, and says that these are all.",
            remedy="Use `route: classic` for this report.",
        )
    return rows


def _page(answer: RunAnswer) -> Page:
    rows = flat_rows(answer, ())
    if answer.is_complete:
        return Page(_whole(answer, rows), is_last=True, row_count=len(rows))
    return Page(rows, is_last=False, row_count=_count_beyond(answer, rows))


def _count_beyond(answer: RunAnswer, rows: list[Row]) -> int | None:
    """Rows in all, of an answer that holds a part of them; a count that does not exceed the part is none of all."""
    return answer.row_count if answer.row_count is not None and answer.row_count > len(rows) else None


def _write_slices(description: Description, flat: Run, runs: ReportRuns, output: _Output, answer: RunAnswer) -> None:
    begin = flat_rows(answer, ())
    keys, page_rows, counted = key_columns(description, begin), len(begin), _count_beyond(answer, begin)
    del begin
    allowance = Allowance(runs, output.report.name, counted, page_rows)
    allowance.open()

    def ask(cut: Cut, by: tuple[Column, ...]) -> Page:
        allowance.before_run(output.rows)
        found = runs.api.patiently(lambda: runs.run(sliced_run(flat, by, cut)), JOB_TRIES)
        return _page(found)

    first = ask(Cut(), keys)
    best = best_key(first.rows, len(keys))
    key = keys[best]
    if best:
        first = ask(Cut(), (key,))
    elif len(keys) > 1:
        first = Page([Row(row.texts, row.keys[:1]) for row in first.rows], first.is_last, first.row_count)
    log.debug("%s: sliced by %s.", output.report.name, key.name)
    output.begin(description.exported)
    for rows in Slices(lambda cut: ask(cut, (key,)), is_text=key.data_type != ID).rows(first):
        output.write(rows)
