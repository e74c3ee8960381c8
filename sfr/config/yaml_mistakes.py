"""Explains YAML syntax errors in terms of a configuration: one table. Never quotes the file.

PyYAML reports what its scanner expected; users need to know which character caused it and how to write it instead.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.odd_characters import describe_character, odd_character

_IN_QUOTES = "put the value in single quotes"
#: The first character of each value in a flow mapping: `{key: value, key: value}`.
_FLOW_VALUE_START = re.compile(r"[{,]\s*[^\s:'\"{},]+:\s+(\S)")
#: The first character of a value in a line `key: value` or `- value`.
_VALUE_START = re.compile(r"^\s*(?:-\s+)*[^\s:'\"][^:]*:\s+(\S)|^\s*-\s+(\S)")


@dataclass(frozen=True, slots=True)
class YamlMistake:
    """The meaning of a PyYAML error."""

    #: Pattern for PyYAML's `context` and `problem`, joined by a space.
    pattern: str
    #: The sentence; `{sign}` is the first character of the value.
    sentence: str
    #: The value must start with one of these characters; None = any line.
    signs: frozenset[str] | None = None
    #: Whether to report the line of PyYAML's context, where the construct began.
    is_where_it_began: bool = False


_BEGINS = "a value that starts with `{sign}`, which has a meaning in YAML, must be quoted; " + _IN_QUOTES

#: The first matching entry applies; those with signs take precedence.
YAML_MISTAKES: tuple[YamlMistake, ...] = (
    YamlMistake(
        r"while scanning a quoted scalar.*unexpected (?:end of stream|document separator)",
        "the quote opened in this line is not closed; close it, or, if it is part of the value, " + _IN_QUOTES,
        is_where_it_began=True,
    ),
    YamlMistake(
        r"unknown escape|expected escape sequence",
        "in double quotes a backslash starts an escape; write it as `\\\\`, or " + _IN_QUOTES,
    ),
    YamlMistake(r"cannot start any token", _BEGINS, frozenset("@`%|>")),
    YamlMistake(r"undefined alias|while scanning an alias", _BEGINS, frozenset("*")),
    YamlMistake(r"while scanning an anchor|duplicate anchor", _BEGINS, frozenset("&")),
    YamlMistake(r"while (?:scanning|parsing) a tag", _BEGINS, frozenset("!")),
    YamlMistake(r"while scanning a block scalar", _BEGINS, frozenset("|>")),
    YamlMistake(r"expected the node content", _BEGINS, frozenset("{[]},?")),
    YamlMistake(r"expected '?<(?:block end|document start)", _BEGINS, frozenset("]},{[")),
    YamlMistake(
        r"expected '?<block end",
        "text follows the closing quote `{sign}`; write a quote inside single quotes as `''`, or, if the first is part "
        "of the value, " + _IN_QUOTES,
        frozenset("'\""),
    ),
    YamlMistake(
        r"while parsing a flow",
        "the bracket opened in this line is not closed; close it, or, if it is part of the value, " + _IN_QUOTES,
        is_where_it_began=True,
    ),
    YamlMistake(r"sequence entries are not allowed|mapping keys are not allowed", _BEGINS, frozenset("-?")),
    YamlMistake(
        r"mapping values are not allowed",
        "there is a colon and a space where no key is expected: "
        + _IN_QUOTES
        + " if it contains `: `, and give the keys of a "
        "section the same indentation; or the line before has no space after its colon",
    ),
    YamlMistake(
        r"expected '?<(?:block end|document start)",
        "wrong indentation: the keys of a section must start in the same column",
    ),
    YamlMistake(
        r"could not find expected ':'",
        "a key is not followed by `: ` (a colon and a space), in this line or the one before",
    ),
)


def explain(description: str, lines: list[str], began: int, found: int, column: int) -> tuple[int, str] | None:
    """(line, sentence) for a PyYAML error in the table; None for others. Lines are counted from 0.

    description: PyYAML's context and problem. began, found: the lines of its marks. column: that of the second.
    """
    text = lines[found] if found < len(lines) else ""
    signs = [text[column : column + 1], text[max(column - 1, 0) : column], *_value_starts(text)]
    fitting = [mistake for mistake in YAML_MISTAKES if re.search(mistake.pattern, description)]
    for mistake in fitting:
        sign = next((sign for sign in signs if sign and sign in (mistake.signs or ())), None)
        if sign is not None:
            return found, mistake.sentence.format(sign=sign)
    odd = _odd_in(lines, began, found)
    if odd is not None:
        return odd
    anywhere = next((mistake for mistake in fitting if mistake.signs is None), None)
    if anywhere is None:
        return None
    return (began if anywhere.is_where_it_began else found), anywhere.sentence


def describe_odd(text: str) -> str | None:
    """The sentence about a character in a key or line that looks like a space or is invisible, except controls."""
    odd = odd_character(text.replace("\t", "").strip("\r\n"))
    if odd is None or odd.isascii():
        return None
    return (
        f"holds {describe_character(odd)}, which looks like a space or is invisible; delete it, and type "
        "a space where one is meant"
    )


def _odd_in(lines: list[str], began: int, found: int) -> tuple[int, str] | None:
    """The nearest line with an odd character, going back to the line before the start of the error."""
    for number in range(min(found, len(lines) - 1), max(began - 2, -1), -1):
        sentence = describe_odd(lines[number].partition(" #")[0])
        if sentence:
            return number, f"the line {sentence}"
    return None


def _value_starts(text: str) -> list[str]:
    match = _VALUE_START.match(text)
    return [*([match[1] or match[2]] if match else []), *_FLOW_VALUE_START.findall(text)]
