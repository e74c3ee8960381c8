"""Detects query strings that were garbled when copied from a page, a program or a keyboard: one table. Pure.

Salesforce ignores unknown parameters, so each of these would silently return a different report.
"""

from __future__ import annotations

import re

from sfr.odd_characters import describe_character, odd_character
from sfr.shapes import Shape
from sfr.wording import quoted

#: Parameter names whose case is checked; numbered names represent every number.
KNOWN_NAMES = ("enc", "xf", "isdtp", "scope", "colDt_c", "colDt_q", "colDt_s", "colDt_e")
_ANY_NAME = r"(?:export|enc|xf|isdtp|scope|p[vnc]\d+|colDt_[a-z])="


#: Found anywhere in the query string; `what` happened, and what is expected.
PASTED_PARAMS: tuple[Shape[str], ...] = (
    Shape(
        r"(?i)&(?:amp|lt|gt|quot|apos|nbsp|equals|#\d+|#x[0-9a-f]+);",
        "escaped for HTML, as in the source of a page; write `&` for `&amp;` (and %26 within a value)",
    ),
    Shape(
        r"(?i)%26(?:amp|lt|gt|quot|apos|nbsp|%23\d+)(?:;|%3B)",
        "escaped for HTML, then percent-encoded; write the value as it is in Salesforce, with %26 for `&`",
    ),
    Shape(
        r"^[\"'“”„«»‘’‚‹›＂`]|=[“”„«»‘’‚‹›＂\"][^&]*[“”„«»‘’‚‹›＂\"](?=&|$)",
        "quotes would become part of the parameters; remove them",
    ),
    Shape(r"&amp(?:=|&|$)", "a truncated `&amp;`, which is HTML; write `&`"),
    Shape(
        r"(?i)%25[0-9A-F]{2}",
        "encoded twice; write %20 for `%2520` (and `%25%32%30` for a value that contains `%20` itself)",
    ),
    Shape(r"(?i)^[^=&]*%3D", "encoded as a whole; write `=`, `&` and `?` as they are"),
    Shape(r"(?i)%u[0-9A-F]{4}", "the encoding of JavaScript's `escape()`; write the character itself"),
    Shape(r"(?i)\\u[0-9A-F]{4}|\\[&=?]", "escaped for a program; write the character itself"),
    Shape(
        rf"(?i)[?;,|]\s*{_ANY_NAME}",
        "parameters are separated by `&`; after any other character, the rest belongs to the value before it",
    ),
    Shape(
        r"(?:^|&)[^=&]*[^A-Za-z0-9_.%\[\]:&=-][^=&]*=",
        "no parameter has such a name; expected letters and digits before each `=`",
    ),
    Shape(
        r"(?i)(?:^|&)f[vnc]\d+=",
        "a filter of Lightning pages, which exports ignore; expected `pv0`, `pv1` …",
    ),
    Shape(
        r"(?:^|&)(?!p[vnc])[Pp][VNCvnc]\d+=",
        "names are case-sensitive; expected `pv0`, `pn0`, `pc0` …",
    ),
)


def reject_pasted(query: str) -> None:
    """Raise ValueError for a garbled query string (without its `?`), with a message that says what is expected."""
    for shape in PASTED_PARAMS:
        match = re.search(shape.pattern, query)
        if match:
            raise ValueError(f"has {quoted(match[0], 40)}: {shape.what}")
    odd = odd_character(query)
    if odd is not None and not odd.isascii():
        raise ValueError(f"has {describe_character(odd)}, which is invisible; delete it")
    for name in (pair.partition("=")[0] for pair in query.split("&")):
        near = next((known for known in KNOWN_NAMES if known != name and known.casefold() == name.casefold()), None)
        if near:
            raise ValueError(f"has {quoted(name)}, and names are case-sensitive; expected `{near}`")
