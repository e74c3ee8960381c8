"""The nodes of a YAML file, with line numbers: mappings, lists and scalars, not yet compared with any option."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias

_NUMBER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]+)?")
_NULLS = ("", "~", "null", "Null", "NULL")
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}

ScalarValue: TypeAlias = str | int | float | bool | None


def plain_value(text: str) -> ScalarValue:
    """The value of an unquoted scalar: null, true, false, a decimal number, otherwise the text itself.

    Deliberately fewer forms than YAML 1.1: `no`, `on`, `12:30`, `017`, `0x1F`, `1_000`, `.inf` and dates stay strings,
    to avoid surprising conversions.
    """
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    match = _NUMBER.fullmatch(text)
    if match is None or len(text) > 40:
        return text
    if match[1] is None and match[2] is None:
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else text


@dataclass(frozen=True, slots=True)
class YamlScalar:
    """A scalar: `text` as written, `value` as parsed (always a string if it was quoted)."""

    line: int
    text: str
    value: ScalarValue


@dataclass(frozen=True, slots=True)
class YamlSequence:
    """A list."""

    line: int
    items: tuple[YamlNode, ...]


@dataclass(frozen=True, slots=True)
class YamlMapping:
    """A mapping: (key, line of the key, value) in file order, each key once."""

    line: int
    pairs: tuple[tuple[str, int, YamlNode], ...]


YamlNode: TypeAlias = YamlScalar | YamlSequence | YamlMapping
