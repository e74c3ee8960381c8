"""Checks the order of keys that Salesforce says it sorted by. Pure.

Which of two orders an org uses for ids is nowhere documented: by code point of the 15 case-sensitive characters, or
without regard to case. A page that follows neither, or pages that follow different ones, prove that the slices do not
fit together. Texts are keys only where every order agrees: of one length, digits and capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

from sfr.errors import ErrorKind, ReportError

_ID_CHARACTERS = 15
#: `00001234`, `INV-000017`: what Salesforce numbers records by.
_NUMBERED = re.compile(r"[0-9A-Z-]{2,80}")


def _by_code_point(key: str) -> str:
    return key[:_ID_CHARACTERS]


def _without_case(key: str) -> str:
    return key.casefold()


def is_numbered(keys: Sequence[str]) -> bool:
    """Whether texts are alike enough that every way to sort them gives one order, and no two are the same."""
    return len(set(keys)) == len(keys) and len(set(map(len, keys))) <= 1 and all(map(_NUMBERED.fullmatch, keys))


class KeyOrder:
    """The orders that all keys so far have followed. is_text: the keys are texts, no ids."""

    def __init__(self, *, is_text: bool = False) -> None:
        self._orders: list[Callable[[str], str]] = [_without_case] if is_text else [_by_code_point, _without_case]
        self._is_text = is_text

    def check(self, keys: Sequence[str], after: str | None = None) -> None:
        """Take note of a page's keys, which must ascend and, if `after` is given, be greater than that.

        Raises `ReportError` `truncated` if they do not.
        """
        before = [] if after is None else [after]
        if self._is_text and not is_numbered([*before, *keys]):
            raise broken(
                "The values that the report was to be cut by are not of one form, so that their order is unsure."
            )
        self._orders = [order for order in self._orders if self._follows(order, [*before, *keys], bool(before))]
        if not self._orders:
            raise broken(
                "Salesforce sent rows that are not in the order asked for, so that none can be said to be the last."
            )

    def is_after(self, key: str, other: str) -> bool:
        """Whether a key is greater than another, by an order that all keys follow."""
        return any(order(key) > order(other) for order in self._orders)

    @staticmethod
    def _follows(order: Callable[[str], str], keys: Sequence[str], is_first_excluded: bool) -> bool:
        ordered = [order(key) for key in keys]
        if is_first_excluded and len(ordered) > 1 and ordered[0] >= ordered[1]:
            return False
        return all(one <= other for one, other in pairwise(ordered))


def is_same(key: str, other: str) -> bool:
    """Whether a filter might not tell two keys apart."""
    return key.casefold() == other.casefold()


def broken(message: str) -> ReportError:
    """The error of slices that do not fit together. Asking again would meet the same."""
    return ReportError(
        ErrorKind.TRUNCATED,
        message,
        remedy="Use `route: classic` for this report, or fetch the records as SOQL.",
        permanent=True,
    )
