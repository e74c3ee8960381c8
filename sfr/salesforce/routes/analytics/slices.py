"""A report of more rows than one run gives, slice by slice, in constant memory. Knows no HTTP.

Rows come sorted by a record id. Of a slice that is not the last, the rows of its last id may be cut off, so these are
left out and come again: the next slice asks for ids greater than the last *but one*. The id that must then come first
shows that no row fell between two slices. Rows added or removed meanwhile change nothing: each row is taken once, in
the slice where its id belongs.

Rows without an id come first or last where there are any; if none came first, they are asked for in the end.
That filter and order agree at all is for `agreement` to check.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from sfr.errors import ErrorKind, ReportError
from sfr.salesforce.routes.analytics.agreement import Agreement, Page, key_of
from sfr.salesforce.routes.analytics.answer import Row
from sfr.salesforce.routes.analytics.ordering import KeyOrder, broken, is_same
from sfr.salesforce.routes.analytics.plan import Cut

log = logging.getLogger(__name__)

#: Pairs of neighbours that are tried to show that a filter works; one of them may have been removed too.
MOST_PAIRS = 5


def best_key(rows: Sequence[Row], keys: int) -> int:
    """Which of so many keys tells the rows of a page apart best; the first of equals."""

    def flaws(index: int) -> int:
        values = [row.keys[index] for row in rows]
        named = [value for value in values if value is not None]
        return len(values) - len(set(named))

    return min(range(keys), key=flaws)


class Slices:
    """One report, slice by slice. ask: runs the report for a cut; raises `ReportError`. is_text: keys are no ids."""

    def __init__(self, ask: Callable[[Cut], Page], *, is_text: bool = False) -> None:
        self._ask = ask
        self._order = KeyOrder(is_text=is_text)
        self._agreement = Agreement(ask, self._order)
        self._taken = 0

    def rows(self, first: Page) -> Iterator[list[Row]]:
        """All rows, once each. first: the page of `Cut()`. Raises `ReportError` where the pages do not fit."""
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
            self._agreement.check(cut, page.ahead_of(len(taken)), boundary, following)
            page, cut = following, Cut(after=boundary)
        self._taken += len(page.rows)
        yield page.rows
        if boundary is not None and not has_blanks:
            yield self._blanks(counted)

    def _check(self, page: Page, boundary: str | None) -> list[str]:
        """The keys of a page, after a look at their order."""
        keys = [key for row in page.rows if (key := key_of(row)) is not None]
        blanks = len(page.rows) - len(keys)
        are_blanks_first = all(key_of(row) is None for row in page.rows[:blanks])
        if blanks and (boundary is not None or not (are_blanks_first or page.is_last)):
            raise broken("Salesforce sent rows without a record id among those that have one.")
        self._order.check(keys, boundary)
        return keys

    def _next(self, boundary: str, expected: str, keys: list[str]) -> Page:
        """The page after a boundary. keys: of the page before it.

        Where the row that should begin it is missing, it was removed meanwhile, or the filter lets through less than
        the order says. Pairs of neighbours in the page before tell: a filter that works gives the one after the other.
        """
        page = self._ask(Cut(after=boundary))
        if any(is_same(key_of(row) or "", expected) for row in page.rows):
            return page
        known = list(dict.fromkeys(key for key in keys if key == boundary or self._order.is_after(boundary, key)))
        for before, after in [*pairwise(known)][::-1][:MOST_PAIRS]:
            if any(key_of(row) == after for row in self._ask(Cut(after=before)).rows):
                log.debug("A row at the end of a slice is gone; the filter works.")
                return page
        raise broken(
            "Rows are missing between two slices: the filter does not let through what the order says comes next."
        )

    def _blanks(self, counted: int | None) -> list[Row]:
        """Rows without a key, which an org that sorts them last never showed.

        Asked for even where as many rows came as were counted: rows added meanwhile would hide that these lack.
        """
        try:
            page = self._ask(Cut(is_blank=True))
        except ReportError as error:
            if error.kind is not ErrorKind.INVALID:
                raise
            if counted is not None and self._taken >= counted:
                log.debug("Rows without a record id cannot be asked for; there are none: %s", error.message)
                return []
            missing = "an unknown number of" if counted is None else f"{counted - self._taken:,} of {counted:,}"
            raise broken(f"There may be {missing} rows without a record id, and these cannot be asked for.") from error
        if not page.is_last:
            raise broken("More rows have no record id than the API gives at once.")
        self._taken += len(page.rows)
        if counted is not None and self._taken < counted:
            log.info("%d of %d rows were gone before they were asked for.", counted - self._taken, counted)
        return page.rows


def _split(rows: list[Row], keys: list[str]) -> tuple[list[Row], str, str]:
    """Rows of a page that are complete, the key that ends them, and the key that must come next."""
    last = keys[-1] if keys and key_of(rows[-1]) is not None else None
    if last is None:
        raise broken("More rows have no record id than the API gives at once.")
    kept = len(rows)
    while kept and is_same(key_of(rows[kept - 1]) or "", last):
        kept -= 1
    boundary = key_of(rows[kept - 1]) if kept else None
    if boundary is None:
        raise broken(f"More rows share the record id {last} than the API gives at once.")
    return rows[:kept], boundary, last
