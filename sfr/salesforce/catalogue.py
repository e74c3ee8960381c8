"""Lists the org's reports with SOQL on the object `Report` (salesforce-facts.md §3). Never runs a report."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from sfr.errors import ODD_ANSWER_REMEDY, ErrorKind, ReportError
from sfr.salesforce.export_params import row_params
from sfr.salesforce.http.deadlines import Deadline
from sfr.salesforce.rest import RestApi, object_of
from sfr.salesforce.routes import ANALYTICS, BULK, CLASSIC, EXCEL, first_route
from sfr.salesforce.routes.analytics.description import is_joined

if TYPE_CHECKING:
    from sfr.model import Report
    from sfr.salesforce.connection import Connection

QUERY = "SELECT Id, Name, FolderName, Format, LastRunDate FROM Report"
#: Ids in one query: its URL has to stay within the length that servers accept.
IDS_PER_QUERY = 200
#: A response of 2,000 short records.
MAX_PAGE_BYTES = 16 * 1024 * 1024
PAGE_TIMEOUT_S = 120.0


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """A report as the org lists it."""

    #: 18 characters.
    report_id: str
    name: str
    #: Name of the folder; empty if Salesforce does not return one.
    folder: str
    #: `Tabular`, `Summary`, `Matrix`, `MultiBlock`.
    format: str
    #: ISO 8601; empty for a report that never ran.
    last_run: str

    @property
    def is_joined(self) -> bool:
        """Whether this is a joined report, which only `route: excel` can fetch."""
        return is_joined(self.format)


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """A report of the list together with its catalogue entry: what `--check` prints."""

    report: Report
    #: None for a query, and for a report that is not visible to this user.
    entry: CatalogueEntry | None

    @property
    def route(self) -> str:
        """The route it would take; with `auto`, followed by the fallback."""
        first = first_route(self.report)
        has_other = self.report.route == "auto" and first == CLASSIC and not row_params(self.report.export_params)
        return f"{first}, else {ANALYTICS}" if has_other else first

    @property
    def problem(self) -> str:
        """Why a run would fail, as far as the catalogue shows; empty if nothing is known to be wrong."""
        if first_route(self.report) == BULK:
            return ""
        if self.entry is None:
            return "not found in the org, or not shared with this user"
        if self.entry.is_joined and first_route(self.report) != EXCEL:
            return "a joined report, which has no flat form; `route: excel` gets its workbook"
        if self.entry.is_joined and self.report.filters:
            return "filters of a joined report, which nothing in Salesforce's answer would show"
        if first_route(self.report) == ANALYTICS and (names := row_params(self.report.export_params)):
            return f"its export parameters ({', '.join(names)}) work with the classic export only"
        return ""


def all_reports(connection: Connection) -> list[CatalogueEntry]:
    """Every report visible to the user, sorted by folder and name. Raises `ReportError`."""
    entries = _query(connection, QUERY)
    return sorted(entries, key=lambda entry: (entry.folder.casefold(), entry.name.casefold(), entry.report_id))


def describe_reports(connection: Connection, reports: Sequence[Report]) -> tuple[ReportFacts, ...]:
    """The catalogue entries of the given reports, in the same order. Raises `ReportError`."""
    ids = list(dict.fromkeys(report.report_id for report in reports if report.report_id))
    found = {
        entry.report_id: entry
        for start in range(0, len(ids), IDS_PER_QUERY)
        for entry in _query(connection, _query_for(ids[start : start + IDS_PER_QUERY]))
    }
    return tuple(ReportFacts(report, found.get(report.report_id)) for report in reports)


def _query_for(report_ids: Sequence[str]) -> str:
    quoted_ids = [f"'{report_id}'" for report_id in report_ids]  # letters and digits: validated with the report list
    return f"{QUERY} WHERE Id IN ({', '.join(quoted_ids)})"


def _query(connection: Connection, soql: str) -> Iterator[CatalogueEntry]:
    """All pages of a query."""
    path, seen = f"/query?q={quote(soql)}", set[str]()
    while path:
        seen.add(path)
        deadline = Deadline.after(PAGE_TIMEOUT_S, f"the {PAGE_TIMEOUT_S:g} s that a page of the catalogue may take")
        api = RestApi(connection.transport, connection.session, connection.api_version, deadline)
        response = api.with_retries(lambda: api.call("GET", path, limit_bytes=MAX_PAGE_BYTES))  # noqa: B023
        page = object_of(response)
        yield from _entries(page.get("records"))
        following = "" if page.get("done") is True else str(page.get("nextRecordsUrl") or "")
        if following in seen or (following and not following.startswith("/services/data/")):
            raise ReportError(
                ErrorKind.NOT_CSV,
                "Salesforce returned an invalid URL for the next page of its list of reports.",
                remedy=ODD_ANSWER_REMEDY,
                permanent=True,
            )
        path = following


def _entries(records: object) -> Iterable[CatalogueEntry]:
    for record in records if isinstance(records, list) else []:
        if isinstance(record, dict):
            yield CatalogueEntry(
                *(_text(record, name) for name in ("Id", "Name", "FolderName", "Format", "LastRunDate"))
            )


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""
