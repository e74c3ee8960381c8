"""Splits a query into tokens: names, literals, operators; and the error for an invalid query."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')"
    r"|(?P<moment>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)"
    r"|(?P<number>[+-]?\d+(?:\.\d+)?)"
    r"|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),]))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class SoqlError(Exception):
    """A query that Salesforce would reject; `code` is the errorCode."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def tokens(text: str) -> list[tuple[str, str]]:
    """Kind (`string moment number word sign`) and content of each token. Raises SoqlError with MALFORMED_QUERY."""
    found: list[tuple[str, str]] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise SoqlError("MALFORMED_QUERY", f"{text}\nunexpected character at column {at + 1}")
        content = match[match.lastgroup]
        found.append((match.lastgroup, _unquoted(content) if match.lastgroup == "string" else content))
        at = match.end()
    return found


def _unquoted(literal: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[1]), literal[1:-1])
