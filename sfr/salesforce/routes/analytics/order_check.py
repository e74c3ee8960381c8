"""Checks, slice by slice, that Salesforce filters and sorts keys by the same order. Independent of HTTP.

The order in which an org compares ids is undocumented. If ids were sorted case-sensitively but filtered
case-insensitively, rows would be missing from later slices. So the row count of each slice is compared with what the
previous one left. If there are fewer rows (deleted, or lost), and where Salesforce does not count, the previous slice
is fetched again in descending order: none of its rows may sort after its end.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sfr.salesforce.routes.analytics.ordering import KeyOrder, inconsistent
from sfr.salesforce.routes.analytics.plan import Cut
from sfr.salesforce.routes.analytics.run_result import Row

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """The result of one run: rows with one key each."""

    rows: list[Row]
    #: True if it contains all requested rows.
    is_last: bool
    #: Number of requested rows, including those left out; None if Salesforce did not count.
    row_count: int | None = None

    def ahead_of(self, rows: int) -> int | None:
        """Number of rows after the first `rows`; None if unknown."""
        return None if self.row_count is None else self.row_count - rows


def key_of(row: Row) -> str | None:
    """The key of a row; None without one."""
    return row.keys[0]


class OrderCheck:
    """The checks of one report. fetch_page: runs the report for a cut; order: the order of its keys so far."""

    def __init__(self, fetch_page: Callable[[Cut], Page], order: KeyOrder) -> None:
        self._fetch_page = fetch_page
        self._order = order

    def check(self, cut: Cut, ahead: int | None, boundary: str, following: Page) -> None:
        """Check the transition from a slice (fetched by `cut`, used up to `boundary`) to the following page.

        ahead: number of rows after the slice. Raises `ReportError` `truncated` if rows are missing.
        """
        if ahead is not None and following.row_count is not None and ahead <= following.row_count:
            return
        log.debug(
            "Checking the rows before %s in descending order: %s expected, %s found.",
            boundary,
            ahead,
            following.row_count,
        )
        page = self._fetch_page(Cut(after=cut.after, up_to=boundary))
        last = next((key for row in page.rows if (key := key_of(row)) is not None), None)
        if last is not None and self._order.is_after(last, boundary):
            raise inconsistent(
                "Rows are missing between two slices: Salesforce filters and sorts record ids differently."
            )
