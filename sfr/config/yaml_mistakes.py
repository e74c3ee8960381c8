"""What YAML's syntax errors mean to somebody who writes a configuration: one table. Quotes nothing of the file.

PyYAML says what its scanner expected; a user wants to know which sign of the line did it, and how it is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sfr.odd_characters import describe_character, odd_character

_IN_QUOTES = "put the value into single quotes"
#: The first sign of each value in a flow mapping: `{key: value, key: value}`.
_FLOW_VALUE_START = re.compile(r"[{,]\s*[^\s:'\"{},]+:\s+(\S)")
#: The first sign of a value in a line `key: value` or `- value`.
_VALUE_START = re.compile(r"^\s*(?:-\s+)*[^\s:'\"][^:]*:\s+(\S)|^\s*-\s+(\S)")


@dataclass(frozen=True, slots=True)
class YamlMistake:
    """What an error of PyYAML means."""

    #: Of PyYAML's `context` and `problem`, joined by a blank.
    said: str
    #: The sentence; `{sign}` is the sign that the value begins with.
    sentence: str
    #: Signs of which one has to begin the value for this entry to fit; None = any line.
    signs: frozenset[str] | None = None
    #: Whether the line meant is that of PyYAML's context, where the construct began.
    is_where_it_began: bool = False


_BEGINS = "a value that begins with `{sign}` has to stand in quotes, as the sign has a meaning in YAML; " + _IN_QUOTES

#: The first entry that fits counts; those with signs come before the others.
YAML_MISTAKES: tuple[YamlMistake, ...] = (
    YamlMistake(
        r"while scanning a quoted scalar.*unexpected (?:end of stream|document separator)",
        "the quote that opens in this line is not closed; close it, or, if it is part of the value, " + _IN_QUOTES,
        is_where_it_began=True,
    ),
    YamlMistake(
        r"unknown escape|expected escape sequence",
        "in double quotes a backslash begins an escape; write it as `\\\\`, or " + _IN_QUOTES,
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
        "text follows the closing quote `{sign}`; double those within single quotes (`''`), or, if the first is a part "
        "of the value, " + _IN_QUOTES,
        frozenset("'\""),
    ),
    YamlMistake(
        r"while parsing a flow",
        "the bracket that opens in this line is not closed; close it, or, if it is part of the value, " + _IN_QUOTES,
        is_where_it_began=True,
    ),
    YamlMistake(r"sequence entries are not allowed|mapping keys are not allowed", _BEGINS, frozenset("-?")),
    YamlMistake(
        r"mapping values are not allowed",
        "a colon and a blank stand where no key is expected: " + _IN_QUOTES + " if it holds `: `, and give keys of one "
        "section the same indentation; or the line before has no blank after its colon",
    ),
    YamlMistake(
        r"expected '?<(?:block end|document start)",
        "the indentation does not fit: keys of one section begin in the same column",
    ),
    YamlMistake(
        r"could not find expected ':'",
        "a key without `: ` (a colon and a blank) after it, in this line or the one before",
    ),
)


def explain(said: str, lines: list[str], began: int, found: int, column: int) -> tuple[int, str] | None:
    """(line, sentence) for an error of PyYAML that the table knows; None for another. Lines are counted from 0.

    said: PyYAML's context and problem. began, found: the lines of its marks. column: that of the second.
    """
    text = lines[found] if found < len(lines) else ""
    signs = [text[column : column + 1], text[max(column - 1, 0) : column], *_value_starts(text)]
    fitting = [mistake for mistake in YAML_MISTAKES if re.search(mistake.said, said)]
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
    """The sentence about a character in a key or a line that looks like a blank, or like nothing; not of controls."""
    odd = odd_character(text.replace("\t", "").strip("\r\n"))
    if odd is None or odd.isascii():
        return None
    return (
        f"holds {describe_character(odd)}, which cannot be told from a blank or from nothing; delete it, and type "
        "a blank where one is meant"
    )


def _odd_in(lines: list[str], began: int, found: int) -> tuple[int, str] | None:
    """The nearest line with an odd character, from the one before the error's beginning on."""
    for number in range(min(found, len(lines) - 1), max(began - 2, -1), -1):
        sentence = describe_odd(lines[number].partition(" #")[0])
        if sentence:
            return number, f"the line {sentence}"
    return None


def _value_starts(text: str) -> list[str]:
    match = _VALUE_START.match(text)
    return [*([match[1] or match[2]] if match else []), *_FLOW_VALUE_START.findall(text)]
