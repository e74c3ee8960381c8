"""Turns one scalar of the configuration into the value that an option expects, or says what was expected."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from sfr.config.fields import Declaration
from sfr.config.nodes import ScalarValue, YamlMapping, YamlNode, YamlSequence, plain_value
from sfr.config.path_text import absolute_path
from sfr.odd_characters import describe_character, odd_character
from sfr.redaction import Secret
from sfr.wording import did_you_mean, listed, quoted


class UnexpectedValueError(ValueError):
    """A value that its option does not take; the text says what is expected, and never what was found.

    hint: `; did you mean `x`?`, or nothing.
    """

    def __init__(self, expected: str, hint: str = "") -> None:
        super().__init__(expected)
        self.hint = hint


def registry_entries(registry: str) -> typing.Mapping[str, Any]:
    """The entries of a registry named as `module:NAME`; imports that module."""
    module, _, name = registry.partition(":")
    entries: typing.Mapping[str, Any] = getattr(import_module(module), name)
    return entries


@dataclass(frozen=True, slots=True)
class Expectation:
    """What an option takes: its base type, and what is allowed beside it."""

    base: Any
    is_nullable: bool
    declaration: Declaration
    choices: tuple[str, ...]
    words: tuple[str, ...]

    @classmethod
    def of(cls, hint: Any, declaration: Declaration) -> Expectation:
        """Read a type hint such as `int | Literal["auto"] | None` together with the option's declaration."""
        is_union = typing.get_origin(hint) in (typing.Union, types.UnionType)
        parts = list(typing.get_args(hint)) if is_union else [hint]
        words = list(declaration.words)
        for part in parts:
            if typing.get_origin(part) is typing.Literal:
                words += [word for word in typing.get_args(part) if word not in words]
        bases = [part for part in parts if part is not type(None) and typing.get_origin(part) is not typing.Literal]
        choices = declaration.choices or ()
        if declaration.registry and bases[0] is str:
            choices = tuple(registry_entries(declaration.registry))
        return cls(bases[0], type(None) in parts, declaration, choices, tuple(words))

    @property
    def is_secret(self) -> bool:
        """Whether the value must never be shown."""
        return self.base is Secret

    def describe(self) -> str:
        """What is expected, in words: `a whole number from 1 to 100, or `auto``."""
        texts = {bool: "`true` or `false`", str: "a text", Secret: "a text"}
        if self.choices:
            described = f"one of {listed(self.choices)}"
        elif self.base in (int, float):
            described = ("a whole number" if self.base is int else "a number") + self._describe_range()
        else:
            described = texts.get(self.base, "a value")
        others = [f"`{word}`" for word in self.words] + (["null"] if self.is_nullable else [])
        return f"{described}, or {' or '.join(others)}" if others else described

    def _describe_range(self) -> str:
        limits = (self.declaration.minimum, self.declaration.maximum)
        minimum, maximum = (
            f"{limit:,.0f}" if limit is not None and float(limit).is_integer() else f"{limit}" for limit in limits
        )
        if limits[0] is not None and limits[1] is not None:
            return f" from {minimum} to {maximum}"
        if limits[0] is not None:
            return f" of at least {minimum}"
        return "" if limits[1] is None else f" of at most {maximum}"

    def accept(self, raw: str, value: ScalarValue, *, is_reference: bool) -> Any:
        """The option's value; raises UnexpectedValueError.

        raw: the text as written, references filled in. value: what it stands for.
        is_reference: the text was one `${…}` and nothing else, so that it may stand for a number, boolean or null.
        """
        if is_reference and self.base not in (str, Secret) and raw not in self.words:
            value = plain_value(raw)
        if is_reference and raw == "" and self.is_nullable:
            value = None
        if value is None:
            if self.is_nullable:
                return None
            raise UnexpectedValueError(self.describe())
        if isinstance(value, str) and value in self.words:
            return value
        if self.base is bool:
            return self._accept_boolean(value)
        return self._accept_number(value) if self.base in (int, float) else self._accept_text(raw, value)

    def _accept_boolean(self, value: ScalarValue) -> bool:
        if isinstance(value, bool):
            return value
        raise UnexpectedValueError(self.describe())

    def _accept_number(self, value: ScalarValue) -> int | float:
        allowed = (int,) if self.base is int else (int, float)
        if isinstance(value, bool) or not isinstance(value, allowed):
            raise UnexpectedValueError(self.describe())
        minimum, maximum = self.declaration.minimum, self.declaration.maximum
        if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
            raise UnexpectedValueError(self.describe())
        number: int | float = self.base(value)
        return number

    def _accept_text(self, raw: str, value: ScalarValue) -> Any:
        text = self._chosen(raw) if self.choices else raw
        check = self.declaration.check
        expected = check(text) if check else None
        if expected:
            raise UnexpectedValueError(expected)
        is_text_meant = isinstance(value, str) or self.choices or self.base is Secret
        if not is_text_meant and (check is None or isinstance(value, bool)):
            raise UnexpectedValueError(f"{self.describe()} (put it in quotes)")
        odd = odd_character(text.replace("\n", ""))
        if odd is not None and self.base is str and not self.declaration.is_path:
            raise UnexpectedValueError(f"a text without characters that cannot be seen ({describe_character(odd)})")
        if self.declaration.is_path and text:
            text = _accept_path(text)
        return Secret(text) if self.base is Secret else text

    def _chosen(self, raw: str) -> str:
        """The choice that a text names, without regard to case."""
        by_folded = {choice.casefold(): choice for choice in self.choices}
        choice = by_folded.get(raw.casefold())
        if choice is None:
            raise UnexpectedValueError(self.describe(), did_you_mean(raw, (*self.choices, *self.words)))
        return choice


def _accept_path(text: str) -> str:
    try:
        return absolute_path(text)
    except ValueError as error:
        raise UnexpectedValueError(str(error)) from error


def found(node: YamlNode, filled_text: str | None = None) -> str:
    """What stands at a node, for a message: its text, or what kind of thing it is."""
    if isinstance(node, YamlMapping):
        return "a mapping"
    if isinstance(node, YamlSequence):
        return "a list"
    if node.value is None:
        return "nothing" if node.text == "" else "null"
    if filled_text is not None and filled_text != node.text:
        return f"{quoted(filled_text)} (from {quoted(node.text)})"
    return quoted(node.text) if isinstance(node.value, str) else node.text
