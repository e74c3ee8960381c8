"""Parses filter logic: `1 AND (2 OR NOT 3)`, over filters numbered from 1."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

Predicate = Callable[[int], bool]
_TOKEN = re.compile(r"\s*(\(|\)|\d+|AND\b|OR\b|NOT\b)", re.IGNORECASE)


class LogicError(ValueError):
    """The logic is invalid, or does not match the filters."""


class FilterLogic:
    """Parsed filter logic. `required` are the filters (from 0) that every row has to match, whatever the others are."""

    def __init__(self, text: str | None, filter_count: int) -> None:
        self._tokens = _tokens(text) if text else _joined(filter_count)
        self._at = 0
        self._count = filter_count
        self._used: set[int] = set()
        self._tree: object = None
        if filter_count:
            self._tree = self._or()
            if self._at < len(self._tokens):
                raise LogicError("the filter logic continues after its end")
        elif text:
            raise LogicError("the filter logic names filters, but there are none")
        if len(self._used) != filter_count:
            raise LogicError("the filter logic must name every filter")
        self.required = frozenset(_required(self._tree))

    def predicate(self, filters: Sequence[Predicate]) -> Predicate:
        """A predicate that combines the filters by the logic."""
        return _predicate(self._tree, filters)

    def _or(self) -> object:
        parts = [self._and()]
        while self._take("OR"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else ("OR", *parts)

    def _and(self) -> object:
        parts = [self._not()]
        while self._take("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else ("AND", *parts)

    def _not(self) -> object:
        if self._take("NOT"):
            return ("NOT", self._not())
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                raise LogicError("a closing parenthesis is missing in the filter logic")
            return inner
        if self._at >= len(self._tokens) or not self._tokens[self._at].isdigit():
            raise LogicError("a filter's number is missing in the filter logic")
        number = int(self._tokens[self._at])
        self._at += 1
        if not 1 <= number <= self._count:
            raise LogicError(f"the filter logic names filter {number}, but there are {self._count}")
        self._used.add(number)
        return number - 1

    def _take(self, token: str) -> bool:
        if self._at >= len(self._tokens) or self._tokens[self._at] != token:
            return False
        self._at += 1
        return True


def _joined(count: int) -> list[str]:
    return " AND ".join(str(number) for number in range(1, count + 1)).split()


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            raise LogicError(f"the filter logic {text!r} is invalid")
        tokens.append(match[1].upper())
        at = match.end()
    return tokens


def _required(tree: object) -> list[int]:
    if isinstance(tree, int):
        return [tree]
    if isinstance(tree, tuple) and tree[0] == "AND":
        return [number for part in tree[1:] for number in _required(part)]
    return []


def _predicate(tree: object, filters: Sequence[Predicate]) -> Predicate:
    if isinstance(tree, int):
        return filters[tree]
    if not isinstance(tree, tuple):
        return lambda _row: True
    parts = [_predicate(part, filters) for part in tree[1:]]
    if tree[0] == "NOT":
        return lambda row: not parts[0](row)
    if tree[0] == "AND":
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)
