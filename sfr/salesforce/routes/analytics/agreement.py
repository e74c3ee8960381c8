"""Checks that Salesforce's filter and its order agree, slice by slice. Knows no HTTP.

Nothing documents by which order an org compares ids. Were they sorted with regard to case but filtered without, rows
in the midst of later slices would never come. So each slice's count is compared with what the one before it left. Where
there are fewer rows (removed, or lost), and where Salesforce does not count, the slice before is asked for once more,
from its end: no row that the filter lets through may come after that end in Salesforce's order.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from sfr.salesforce.routes.analytics.answer import Row
from sfr.salesforce.routes.analytics.ordering import KeyOrder, broken
from sfr.salesforce.routes.analytics.plan import Cut

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """What one run brought: rows with one key each."""

    rows: list[Row]
    #: True if nothing was left out of what was asked for.
    is_last: bool
    #: Rows of what was asked for, those left out included; None where Salesforce did not count.
    row_count: int | None = None

    def ahead_of(self, rows: int) -> int | None:
        """How many rows follow the first so many; None where that is not known."""
        return None if self.row_count is None else self.row_count - rows


def key_of(row: Row) -> str | None:
    """The key of a row; None if it has none."""
    return row.keys[0]


class Agreement:
    """The checks of one report. ask: runs the report for a cut; order: what its keys have followed so far."""

    def __init__(self, ask: Callable[[Cut], Page], order: KeyOrder) -> None:
        self._ask = ask
        self._order = order

    def check(self, cut: Cut, ahead: int | None, boundary: str, following: Page) -> None:
        """Check the step from a slice (asked for by `cut`, taken up to `boundary`) to the page that follows.

        ahead: rows that the slice left. Raises `ReportError` `truncated` if rows lack.
        """
        if ahead is not None and following.row_count is not None and ahead <= following.row_count:
            return
        log.debug(
            "Rows before %s are looked at from their end: %s left, %s found.", boundary, ahead, following.row_count
        )
        page = self._ask(Cut(after=cut.after, up_to=boundary))
        last = next((key for row in page.rows if (key := key_of(row)) is not None), None)
        if last is not None and self._order.is_after(last, boundary):
            raise broken("Rows are missing between two slices: Salesforce's filter and its order do not agree.")
