"""Query strings that were changed on their way through a page, a program or a keyboard: one table. Pure.

Salesforce passes over what it does not know, so that each of them would bring another report without a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.odd_characters import describe_character, odd_character
from sfr.wording import quoted

#: Names whose case is checked; numbered ones count with every number.
KNOWN_NAMES = ("enc", "xf", "isdtp", "scope", "colDt_c", "colDt_q", "colDt_s", "colDt_e")
_ANY_NAME = r"(?:export|enc|xf|isdtp|scope|p[vnc]\d+|colDt_[a-z])="


@dataclass(frozen=True, slots=True)
class PastedParams:
    """A shape that a query string gets on its way through a page, a program or a keyboard."""

    pattern: re.Pattern[str]
    #: What it is, and what is expected.
    expected: str


PASTED_PARAMS: tuple[PastedParams, ...] = (
    PastedParams(
        re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|equals|#\d+|#x[0-9a-f]+);", re.IGNORECASE),
        "escaped for HTML, as in the source of a page; write `&` for `&amp;` (and %26 within a value)",
    ),
    PastedParams(
        re.compile(r"%26(?:amp|lt|gt|quot|apos|nbsp|%23\d+)(?:;|%3B)", re.IGNORECASE),
        "escaped for HTML, and encoded after that; write the value as it is in Salesforce, with %26 for `&`",
    ),
    PastedParams(
        re.compile(r"^[\"'“”„«»‘’‚‹›＂`]|=[“”„«»‘’‚‹›＂\"][^&]*[“”„«»‘’‚‹›＂\"](?=&|$)"),
        "quotes would be a part of the parameters; write them without",
    ),
    PastedParams(re.compile(r"&amp(?:=|&|$)"), "cut from `&amp;`, which is HTML; write `&`"),
    PastedParams(
        re.compile(r"%25[0-9A-F]{2}", re.IGNORECASE),
        "encoded twice; write %20 for `%2520` (and `%25%32%30` for a value that holds `%20` itself)",
    ),
    PastedParams(re.compile(r"^[^=&]*%3D", re.IGNORECASE), "encoded as a whole; write `=`, `&` and `?` as they are"),
    PastedParams(re.compile(r"%u[0-9A-F]{4}", re.IGNORECASE), "an old script's encoding; write the character itself"),
    PastedParams(re.compile(r"\\u[0-9A-F]{4}|\\[&=?]", re.IGNORECASE), "escaped for a program; write the sign itself"),
    PastedParams(
        re.compile(rf"[?;,|]\s*{_ANY_NAME}", re.IGNORECASE),
        "parameters are separated by `&`; any other sign makes what follows a part of the value before it",
    ),
    PastedParams(
        re.compile(r"(?:^|&)[^=&]*[^A-Za-z0-9_.%\[\]:&=-][^=&]*="),
        "no parameter has such a name; expected letters and digits before each `=`",
    ),
    PastedParams(
        re.compile(r"(?:^|&)f[vnc]\d+=", re.IGNORECASE),
        "a filter of Lightning's pages, which an export does not heed; expected `pv0`, `pv1` …",
    ),
    PastedParams(
        re.compile(r"(?:^|&)(?!p[vnc])[Pp][VNCvnc]\d+="),
        "names are case-sensitive; expected `pv0`, `pn0`, `pc0` …",
    ),
)


def refuse_pasted(query: str) -> None:
    """Raises ValueError for a query string, without its `?`, that is not what somebody meant; says what is expected."""
    for shape in PASTED_PARAMS:
        match = shape.pattern.search(query)
        if match:
            raise ValueError(f"has {quoted(match[0], 40)}: {shape.expected}")
    odd = odd_character(query)
    if odd is not None and not odd.isascii():
        raise ValueError(f"has {describe_character(odd)}, which cannot be seen; delete it")
    for name in (pair.partition("=")[0] for pair in query.split("&")):
        near = next((known for known in KNOWN_NAMES if known != name and known.casefold() == name.casefold()), None)
        if near:
            raise ValueError(f"has {quoted(name)}, and names are case-sensitive; expected `{near}`")
