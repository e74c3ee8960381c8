"""Checks that keys arrive in a consistent order. Pure.

Whether an org sorts ids by code point of the 15 case-sensitive characters or case-insensitively is undocumented. A page
in neither order, or pages in different orders, prove that slices are inconsistent. Texts are used as keys only if every
order agrees: of equal length, digits and capitals only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from sfr.errors import ErrorKind, ReportError

_ID_CHARACTERS = 15
#: Auto-number values such as `00001234` and `INV-000017`.
_NUMBERED = re.compile(r"[0-9A-Z-]{2,80}")


def _by_code_point(key: str) -> str:
    return key[:_ID_CHARACTERS]


def _without_case(key: str) -> str:
    return key.casefold()


def is_numbered(keys: Sequence[str]) -> bool:
    """Whether all texts are distinct, and uniform enough to sort the same way under any collation."""
    return len(set(keys)) == len(keys) and len(set(map(len, keys))) <= 1 and all(map(_NUMBERED.fullmatch, keys))


class KeyOrder:
    """The orders consistent with all keys so far. is_text: the keys are texts, not ids."""

    def __init__(self, *, is_text: bool = False) -> None:
        self._orders: list[Callable[[str], str]] = [_without_case] if is_text else [_by_code_point, _without_case]
        self._is_text = is_text

    def check(self, keys: Sequence[str], after: str | None = None) -> None:
        """Check a page's keys, which must ascend and, if `after` is given, be greater than `after`.

        Raises `ReportError` `truncated` if they do not.
        """
        before = [] if after is None else [after]
        if self._is_text and not is_numbered([*before, *keys]):
            raise inconsistent("The values of the key column have different forms, so their sort order is uncertain.")
        self._orders = [order for order in self._orders if self._follows(order, [*before, *keys], bool(before))]
        if not self._orders:
            raise inconsistent(
                "Salesforce returned rows that are not in the requested order, so the end of a slice cannot be "
                "determined."
            )

    def is_after(self, key: str, other: str) -> bool:
        """Whether a key is greater than another in every order consistent with the keys so far."""
        return any(order(key) > order(other) for order in self._orders)

    @staticmethod
    def _follows(order: Callable[[str], str], keys: Sequence[str], is_first_excluded: bool) -> bool:
        ordered = [order(key) for key in keys]
        if is_first_excluded and len(ordered) > 1 and ordered[0] >= ordered[1]:
            return False
        return all(one <= other for one, other in pairwise(ordered))


def is_same(key: str, other: str) -> bool:
    """Whether a filter may treat two keys as equal."""
    return key.casefold() == other.casefold()


def inconsistent(message: str) -> ReportError:
    """The error for inconsistent slices. A retry would have the same result."""
    return ReportError(
        ErrorKind.TRUNCATED,
        message,
        remedy="Use `route: classic` for this report, or fetch the records as SOQL.",
        permanent=True,
    )
