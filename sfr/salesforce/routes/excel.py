"""Route `excel`: Salesforce's own formatted workbook, by the Reports API; joined reports too (salesforce-facts.md §5).

    describe ─► workbook, as it comes ─► how many rows does Salesforce count? ─► below the workbook's limit: kept

The workbook shows neither its filters nor whether it is cut at its limit: a separate run, afterwards, counts the rows
and shows the filters. Joined reports are not counted. Only one workbook is requested at a time (`ONE_AT_A_TIME`).
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.fault_rules import Subject
from sfr.salesforce.rest import JOB_TRIES, RestApi, object_of
from sfr.salesforce.routes import classic
from sfr.salesforce.routes.analytics import describe
from sfr.salesforce.routes.analytics.description import JOINED, Description, is_joined, items, mapping
from sfr.salesforce.routes.analytics.plan import counting_run, invalid
from sfr.salesforce.routes.analytics.requested_filters import point_to_filters, with_filters
from sfr.salesforce.routes.analytics.runs import ReportRuns
from sfr.salesforce.routes.context import FetchContext
from sfr.salesforce.row_filters import NO_FILTERS, RowFilters, parse_row_filters
from sfr.salesforce.statuses import status_error
from sfr.salesforce.web_pages import looks_like_page, page_error

if TYPE_CHECKING:
    from sfr.model import Payload
    from sfr.salesforce.http.responses import Response

WORKBOOK_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
#: Rows at which Salesforce cuts a workbook off.
MAX_ROWS, MAX_MATRIX_ROWS, MAX_JOINED_ROWS = 100_000, 2_000, 20_000
#: Columns that a workbook has at most.
MAX_COLUMNS = 100
#: The count has to stay this much below the limit: rows may have been deleted before they were counted.
MARGIN_PCT = 1
CSV_REMEDY = "Use `format: csv` with another `route` for this report, or narrow its filters."


def fetch(context: FetchContext) -> Payload:
    """Write the workbook of one report to `context.incoming`.

    Raises `ReportError`: the API's own errors; `invalid` for a report that is too large for a workbook, that Salesforce
    does not count, or whose filters it did not apply.
    """
    report = context.report
    filters = parse_row_filters(report.filters)
    api = RestApi.of(context)
    try:
        description = describe(report.report_id, api)
    except ReportError as error:
        if error.kind is not ErrorKind.INVALID or not is_joined(_listed_format(api, report.report_id)):
            raise
        description = Description({"reportFormat": JOINED})
    if is_joined(description.format):
        return _fetch_joined(context, api, description, filters)
    description = with_filters(description, filters)
    columns = len(description.exported)
    if columns > MAX_COLUMNS:
        raise invalid(f"The report has {columns} columns, but a workbook has at most {MAX_COLUMNS}.", CSV_REMEDY)
    payload = _download(context, api, description, filters)
    runs = ReportRuns(api, report.report_id, filters)
    counted = api.with_retries(lambda: runs.run(counting_run(description)), JOB_TRIES).row_count
    return replace(payload, counted_rows=checked_count(counted, description.format), note=_NOTE)


_NOTE = "Salesforce's own workbook: the archive is whole; its rows were counted by Salesforce, not in it."
_JOINED_NOTE = (
    "Salesforce's own workbook of a joined report: the archive is whole, but nothing proves that it has all rows; "
    f"Salesforce cuts it off at {MAX_JOINED_ROWS:,}."
)


def checked_count(rows: int | None, report_format: str) -> int:
    """The count, if a workbook has room for as many rows; raises `ReportError` `invalid` otherwise."""
    limit = MAX_MATRIX_ROWS if report_format == "MATRIX" else MAX_ROWS
    if rows is None:
        raise invalid("Salesforce did not count the report's rows, so its workbook may be cut off.", CSV_REMEDY)
    if rows * 100 >= limit * (100 - MARGIN_PCT):
        kind = "matrix report" if report_format == "MATRIX" else "report"
        raise invalid(
            f"Salesforce counts {rows:,} rows, and cuts the workbook of a {kind} off at {limit:,} (SFR keeps a margin "
            f"of {MARGIN_PCT} %).",
            CSV_REMEDY,
        )
    return rows


def _listed_format(api: RestApi, report_id: str) -> str:
    """The report's format as the org lists it: not every version of the API describes joined reports."""
    # Letters and digits: validated with the report list.
    query = quote(f"SELECT Format FROM Report WHERE Id = '{report_id}'")  # noqa: S608 - see above
    records = items(object_of(api.call("GET", f"/query?q={query}")).get("records"))
    return str(mapping(records[0]).get("Format") or "") if records else ""


def _fetch_joined(context: FetchContext, api: RestApi, description: Description, filters: RowFilters) -> Payload:
    if filters != NO_FILTERS:
        raise invalid(
            "This is a joined report, whose answer would not show whether Salesforce applied `filters`.",
            "Put the filters into the report itself.",
        )
    return replace(_download(context, api, description, NO_FILTERS), note=_JOINED_NOTE)


def _download(context: FetchContext, api: RestApi, description: Description, filters: RowFilters) -> Payload:
    path = f"/analytics/reports/{context.report.report_id}"
    changes = {"reportMetadata": description.metadata}
    body = json.dumps(changes, ensure_ascii=False).encode() if description.is_changed else None

    def send() -> Payload:
        api.calls += 1
        request = api.request("GET" if body is None else "POST", path, body, accept=WORKBOOK_TYPE)
        with context.transport.stream(request, context.deadline) as response:
            api.record_usage(response.headers.get("Sforce-Limit-Info"))
            if response.status != 200:
                error = _error_of(response)
                point_to_filters(error, filters)
                raise error
            context.incoming.first_byte_clock_s = response.first_byte_clock_s
            classic.receive(response, context)
            payload = context.payload(
                content_encoding=response.content_encoding,
                is_framed=response.is_framed,
                http_status=response.status,
                has_footer=False,
            )
        return replace(payload, is_workbook=True)

    return api.with_session(send)


def _error_of(response: Response) -> ReportError:
    text = response.excerpt()
    error = status_error(response.status, response.headers, text, subject=Subject.REPORT)
    if looks_like_page(text):
        return page_error(response.status, text, url=response.url, headers=response.headers, by_status=error)
    return error
