"""Looks up options in the models' JSON Schema: the option at a key path, and a description of its values.

Built from the models on demand: for error messages, and in tests of the documents.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from sfr.config.settings import Config
from sfr.options.section import Section
from sfr.wording import listed

#: Stands for a name that the user chooses, as in `destinations.NAME.folder`.
ANY_NAME = "NAME"

Schema: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Option:
    """An option, a section or the whole configuration."""

    path: str
    schema: Schema
    #: The alternatives of its schema, including `null` and constants, with references to sections resolved.
    forms: Sequence[Schema] = field(repr=False)

    @property
    def is_secret(self) -> bool:
        """Whether its value must never be shown."""
        return any(form.get("writeOnly") for form in self.forms)

    @property
    def description(self) -> str:
        """Its meaning and unit."""
        return str(self.schema.get("description", ""))

    @property
    def choices(self) -> list[str]:
        """The words that it accepts."""
        words = (form.get("enum", [form["const"]] if "const" in form else []) for form in self.forms)
        return [word for some in words for word in some]

    @property
    def keys(self) -> list[str]:
        """The keys of a section."""
        return [key for form in self.forms for key in form.get("properties", ())]

    def describe(self) -> str:
        """The values it accepts: an integer from 1 to 256, or `auto`."""
        words = [f"`{form['const']}`" for form in self.forms if "const" in form]
        words += ["null" for form in self.forms if form.get("type") == "null"]
        main = next(form for form in self.forms if "const" not in form and form.get("type") != "null")
        return f"{_describe(main)}, or {' or '.join(words)}" if words else _describe(main)


class DeclaredOptions:
    """All declared options of a model; by default of the configuration."""

    def __init__(self, model: type[Section] = Config) -> None:
        self._root: Schema = model.model_json_schema()

    def find(self, steps: Sequence[str | int]) -> Option:
        """The option at these steps, or its closest declared ancestor."""
        option = self._option("", self._root)
        for step in steps:
            below = next((found for form in option.forms if (found := _below(form, step))), None)
            if below is None:
                break
            option = self._option(joined(option.path, step), below)
        return option

    def walk(self, option: Option | None = None) -> Iterator[Option]:
        """Every option that is not a section, followed by those of a list's items and of alternatives."""
        option = option or self._option("", self._root)
        alternatives = any("maxProperties" in form for form in option.forms)
        if not option.keys or alternatives:
            yield option
        for form in option.forms:
            for key, schema in form.get("properties", {}).items():
                yield from self.walk(self._option(joined(option.path, key), schema))
            if isinstance(named := form.get("additionalProperties"), dict):
                yield from self.walk(self._option(joined(option.path, ANY_NAME), named))
            item = self._option(f"{option.path}[]", form["items"]) if "items" in form else None
            if item is not None and item.keys:
                yield from self.walk(item)

    def _option(self, path: str, schema: Schema) -> Option:
        return Option(path, schema, tuple(self._forms(schema)))

    def _forms(self, schema: Schema) -> Iterator[Schema]:
        if "$ref" in schema:
            yield from self._forms(self._root["$defs"][schema["$ref"].rpartition("/")[2]])
        elif "anyOf" in schema:
            for form in schema["anyOf"]:
                yield from self._forms(form)
        else:
            yield schema


def _below(form: Schema, step: str | int) -> Schema | None:
    if isinstance(step, int):
        below: Schema | None = form.get("items")
        return below
    named = form.get("additionalProperties")
    below = form.get("properties", {}).get(step)
    return named if below is None and isinstance(named, dict) else below


def joined(path: str, step: str | int) -> str:
    """A key path extended by one step: `summary[0].path`."""
    if isinstance(step, int):
        return f"{path}[{step}]"
    return f"{path}.{step}" if path else step


def _describe(form: Schema) -> str:
    if "enum" in form:
        return f"one of {listed(form['enum'])}"
    kind = form.get("type")
    if kind in ("integer", "number"):
        return ("an integer" if kind == "integer" else "a number") + _describe_range(form)
    if kind == "object":
        return f"a mapping with keys such as {listed(list(form.get('properties', [ANY_NAME]))[:3])}"
    if kind == "array":
        has_sections = not {"$ref", "properties"}.isdisjoint(form["items"])
        return "a list of mappings" if has_sections else "a list of strings, such as [first, second]"
    return "`true` or `false`" if kind == "boolean" else "a string"


def _describe_range(form: Schema) -> str:
    least, most = (
        limit if limit is None else f"{limit:,.0f}" if float(limit).is_integer() else f"{limit}"
        for limit in (form.get("minimum"), form.get("maximum"))
    )
    if least is not None and most is not None:
        return f" from {least} to {most}"
    if least is not None:
        return f" of at least {least}"
    return "" if most is None else f" of at most {most}"
