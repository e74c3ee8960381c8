"""Parses report ids: the 15- and 18-character forms, their checksum, and URLs pasted instead."""

from __future__ import annotations

import re
from urllib.parse import unquote

from sfr.wording import quoted

PREFIX = "00O"
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT, _LONG = 15, 18
_ID = re.compile(r"[A-Za-z0-9]+")
_ID_IN_URL = re.compile(r"(?<![A-Za-z0-9])00O(?:[A-Za-z0-9]{15}|[A-Za-z0-9]{12})(?![A-Za-z0-9])")
_EXPECTED = "expected a report id of 15 or 18 characters that starts with 00O, or the report's URL"


def checksum(short_id: str) -> str:
    """The three characters that complete a 15-character id to 18 characters (salesforce-facts.md §4).

    In each group of five characters, bit k is set if the k-th is an upper-case letter.
    """
    groups = (short_id[start : start + 5] for start in range(0, _SHORT, 5))
    return "".join(
        _ALPHABET[sum(1 << place for place, character in enumerate(group) if "A" <= character <= "Z")]
        for group in groups
    )


def parse_report_id(text: str) -> str:
    """The 18-character id of a report, from either form or a URL that contains one.

    Raises ValueError with a message that says what is wrong and what is expected.
    """
    given = text.strip()
    if not given:
        raise ValueError(f"is empty; {_EXPECTED}")
    if "/" in given or "?" in given:
        return parse_report_id(_find_in_url(given))
    if not _ID.fullmatch(given) or len(given) not in (_SHORT, _LONG):
        length = f" (length {len(given)})" if _ID.fullmatch(given) else ""
        raise ValueError(f"{quoted(given)}{length} is not a report id; {_EXPECTED}")
    if not given.startswith(PREFIX):
        raise ValueError(f"{quoted(given)} is not the id of a report: it starts with {given[:3]}; {_EXPECTED}")
    short_id = given[:_SHORT]
    complete = short_id + checksum(short_id)
    if len(given) == _LONG and given != complete:
        raise ValueError(_describe_wrong_checksum(given, complete))
    return complete


def _describe_wrong_checksum(given: str, complete: str) -> str:
    if given[_SHORT:].upper() == complete[_SHORT:]:
        return f"{quoted(given)} has its last three characters in lower case; expected {complete}"
    return (
        f"{quoted(given)} has a wrong checksum: a character is mistyped or in the wrong case; copy the id from the "
        "report's URL"
    )


def _find_in_url(url: str) -> str:
    found = {match[0] for match in _ID_IN_URL.finditer(unquote(url))}
    if len({report_id[:_SHORT] for report_id in found}) != 1:
        reason = "contains no report id" if not found else "contains several report ids"
        raise ValueError(f"the URL {quoted(url)} {reason}; {_EXPECTED}")
    return max(found, key=len)
