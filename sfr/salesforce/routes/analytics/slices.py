"""Fetches a report with more rows than one run returns, slice by slice, in constant memory. Independent of HTTP.

Rows arrive sorted by a record id. Except in the last slice, the rows of the last id may be incomplete, so they are
dropped and fetched again: the next slice requests ids greater than the *second to last*. The id that must then come
first proves that no row is missing between two slices. Rows added or deleted in the meantime do no harm: each row is
taken once, in the slice of its id.

Rows without an id sort first or last; if none came first, they are requested at the end.
`order_check` verifies that filter and sort order agree.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.order_check import OrderCheck, Page, key_of
from sfr.salesforce.routes.analytics.ordering import KeyOrder, inconsistent, is_same
from sfr.salesforce.routes.analytics.plan import Cut
from sfr.salesforce.routes.analytics.run_result import Row

log = logging.getLogger(__name__)

#: Adjacent pairs tried to verify the filter; rows of a pair may have been deleted too.
MAX_PAIRS = 5


def best_key(rows: Sequence[Row], keys: int) -> int:
    """The index of the key column (of `keys` candidates) with the fewest blanks and duplicates; the first of equals."""

    def flaws(index: int) -> int:
        values = [row.keys[index] for row in rows]
        named = [value for value in values if value is not None]
        return len(values) - len(set(named))

    return min(range(keys), key=flaws)


class Slices:
    """The slices of one report. fetch_page: runs the report for a cut. is_text: keys are not ids."""

    def __init__(self, fetch_page: Callable[[Cut], Page], *, is_text: bool = False) -> None:
        self._fetch_page = fetch_page
        self._order = KeyOrder(is_text=is_text)
        self._order_check = OrderCheck(fetch_page, self._order)
        self._taken = 0

    def rows(self, first: Page) -> Iterator[list[Row]]:
        """All rows, once each. first: the page of `Cut()`. Raises `ReportError` if pages are inconsistent."""
        counted = first.row_count
        has_blanks = any(key_of(row) is None for row in first.rows)
        page, cut = first, Cut()
        boundary: str | None = None
        while True:
            keys = self._check(page, boundary)
            if page.is_last:
                break
            taken, next_boundary, expected = _split(page.rows, keys)
            self._taken += len(taken)
            yield taken
            following, boundary = self._next(next_boundary, expected, keys), next_boundary
            self._order_check.check(cut, page.ahead_of(len(taken)), boundary, following)
            page, cut = following, Cut(after=boundary)
        self._taken += len(page.rows)
        yield page.rows
        if boundary is not None and not has_blanks:
            yield self._blanks(counted)

    def _check(self, page: Page, boundary: str | None) -> list[str]:
        """The keys of a page, after checking their order."""
        keys = [key for row in page.rows if (key := key_of(row)) is not None]
        blanks = len(page.rows) - len(keys)
        are_blanks_first = all(key_of(row) is None for row in page.rows[:blanks])
        if blanks and (boundary is not None or not (are_blanks_first or page.is_last)):
            raise inconsistent("Salesforce returned rows without a record id between rows with one.")
        self._order.check(keys, boundary)
        return keys

    def _next(self, boundary: str, expected: str, keys: list[str]) -> Page:
        """The page after a boundary. keys: of the page before it.

        If its expected first row is missing, either that row was deleted in the meantime, or the filter disagrees with
        the sort order. Adjacent pairs of the previous page decide: a working filter returns the second for "greater
        than the first".
        """
        page = self._fetch_page(Cut(after=boundary))
        if any(is_same(key_of(row) or "", expected) for row in page.rows):
            return page
        known = list(dict.fromkeys(key for key in keys if key == boundary or self._order.is_after(boundary, key)))
        for before, after in [*pairwise(known)][::-1][:MAX_PAIRS]:
            if any(key_of(row) == after for row in self._fetch_page(Cut(after=before)).rows):
                log.debug("The row at the end of a slice was deleted; the filter works.")
                return page
        raise inconsistent(
            "Rows are missing between two slices: the filter excludes the row that comes next in the sort order."
        )

    def _blanks(self, counted: int | None) -> list[Row]:
        """Rows without a key, in an org that sorts them last.

        Requested even if the number of rows matches the count: rows added in the meantime would hide that these are
        missing.
        """
        try:
            page = self._fetch_page(Cut(is_blank=True))
        except ReportError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            if counted is not None and self._taken >= counted:
                log.debug("Rows without a record id cannot be requested, but there are none: %s", error.message)
                return []
            missing = "an unknown number of" if counted is None else f"{counted - self._taken:,} of {counted:,}"
            raise inconsistent(
                f"There may be {missing} rows without a record id, which cannot be requested."
            ) from error
        if not page.is_last:
            raise inconsistent("More rows lack a record id than the API returns at once.")
        self._taken += len(page.rows)
        if counted is not None and self._taken < counted:
            log.info("%d of %d rows were deleted before they were fetched.", counted - self._taken, counted)
        return page.rows


def _split(rows: list[Row], keys: list[str]) -> tuple[list[Row], str, str]:
    """The rows of a page whose keys are complete, the last key among them, and the key that must come next."""
    last = keys[-1] if keys and key_of(rows[-1]) is not None else None
    if last is None:
        raise inconsistent("More rows lack a record id than the API returns at once.")
    kept = len(rows)
    while kept and is_same(key_of(rows[kept - 1]) or "", last):
        kept -= 1
    boundary = key_of(rows[kept - 1]) if kept else None
    if boundary is None:
        raise inconsistent(f"More rows share the record id {last} than the API returns at once.")
    return rows[:kept], boundary, last
