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

    pattern: str
    #: What it is, and what is expected.
    expected: str


PASTED_PARAMS: tuple[PastedParams, ...] = (
    PastedParams(
        r"(?i)&(?:amp|lt|gt|quot|apos|nbsp|equals|#\d+|#x[0-9a-f]+);",
        "escaped for HTML, as in the source of a page; write `&` for `&amp;` (and %26 within a value)",
    ),
    PastedParams(
        r"(?i)%26(?:amp|lt|gt|quot|apos|nbsp|%23\d+)(?:;|%3B)",
        "escaped for HTML, and encoded after that; write the value as it is in Salesforce, with %26 for `&`",
    ),
    PastedParams(
        r"^[\"'“”„«»‘’‚‹›＂`]|=[“”„«»‘’‚‹›＂\"][^&]*[“”„«»‘’‚‹›＂\"](?=&|$)",
        "quotes would be a part of the parameters; write them without",
    ),
    PastedParams(r"&amp(?:=|&|$)", "cut from `&amp;`, which is HTML; write `&`"),
    PastedParams(
        r"(?i)%25[0-9A-F]{2}",
        "encoded twice; write %20 for `%2520` (and `%25%32%30` for a value that holds `%20` itself)",
    ),
    PastedParams(r"(?i)^[^=&]*%3D", "encoded as a whole; write `=`, `&` and `?` as they are"),
    PastedParams(r"(?i)%u[0-9A-F]{4}", "an old script's encoding; write the character itself"),
    PastedParams(r"(?i)\\u[0-9A-F]{4}|\\[&=?]", "escaped for a program; write the sign itself"),
    PastedParams(
        rf"(?i)[?;,|]\s*{_ANY_NAME}",
        "parameters are separated by `&`; any other sign makes what follows a part of the value before it",
    ),
    PastedParams(
        r"(?:^|&)[^=&]*[^A-Za-z0-9_.%\[\]:&=-][^=&]*=",
        "no parameter has such a name; expected letters and digits before each `=`",
    ),
    PastedParams(
        r"(?i)(?:^|&)f[vnc]\d+=",
        "a filter of Lightning's pages, which an export does not heed; expected `pv0`, `pv1` …",
    ),
    PastedParams(
        r"(?:^|&)(?!p[vnc])[Pp][VNCvnc]\d+=",
        "names are case-sensitive; expected `pv0`, `pn0`, `pc0` …",
    ),
)


def refuse_pasted(query: str) -> None:
    """Raises ValueError for a query string, without its `?`, that is not what somebody meant; says what is expected."""
    for shape in PASTED_PARAMS:
        match = re.search(shape.pattern, query)
        if match:
            raise ValueError(f"has {quoted(match[0], 40)}: {shape.expected}")
    odd = odd_character(query)
    if odd is not None and not odd.isascii():
        raise ValueError(f"has {describe_character(odd)}, which cannot be seen; delete it")
    for name in (pair.partition("=")[0] for pair in query.split("&")):
        near = next((known for known in KNOWN_NAMES if known != name and known.casefold() == name.casefold()), None)
        if near:
            raise ValueError(f"has {quoted(name)}, and names are case-sensitive; expected `{near}`")
