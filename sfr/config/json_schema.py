"""The JSON Schema of the configuration, for editors: accepts what SFR accepts, rejects unknown keys and choices."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sfr.config.settings import Config
from sfr.options.section import Section

DIALECT = "https://json-schema.org/draft/2020-12/schema"
#: A string with a reference is allowed in place of any scalar: its value is only known once resolved.
_REFERENCE = r"\$\{"
#: Keywords that are not published, or published separately.
_LEFT_OUT = {"title", "writeOnly", "anyOf", "properties", "items", "$defs"}


def schema_text(schema: Mapping[str, Any] | None = None) -> str:
    """The schema, by default of the configuration, as the contents of a file."""
    return json.dumps(configuration_schema() if schema is None else schema, indent=2) + "\n"


def configuration_schema(
    model: type[Section] = Config, about: str = "The configuration of SFR: see docs/configuration.md."
) -> dict[str, Any]:
    """The schema of a model, by default of the configuration."""
    declared = model.model_json_schema()
    definitions = {name: _published(form) for name, form in sorted(declared["$defs"].items())}
    head = {"$schema": DIALECT, "title": "SFR", "description": about}
    return {**_published(declared), **head, "$defs": definitions}


def _published(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a section, list or scalar in a file."""
    published = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    if "properties" in schema:
        published["properties"] = {name: _published(option) for name, option in schema["properties"].items()}
    if "items" in schema:
        published["items"] = _published(schema["items"])
    if isinstance(named := schema.get("additionalProperties"), dict):
        published["additionalProperties"] = _published(named)
    if "anyOf" in schema:
        published["anyOf"] = [_published(form) for form in schema["anyOf"]]
    has_defaults = schema.get("type") == "array" or (schema.get("type") == "object" and not schema.get("required"))
    if has_defaults and "minProperties" not in schema:
        published["type"] = [schema["type"], "null"]  # left empty
    return _with_texts(published, schema.get("anyOf", [schema]))


def _with_texts(published: dict[str, Any], forms: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The schema extended by the strings allowed for its scalars: references, and choices in any case."""
    patterns = list(_patterns(forms))
    if not patterns:
        return published
    texts = {"type": "string", "pattern": "|".join(dict.fromkeys(patterns))}
    if "anyOf" in published:
        return {**published, "anyOf": [*published["anyOf"], texts]}
    notes: dict[str, Any] = {key: published.pop(key) for key in ("description", "default") if key in published}
    booleans = [{"type": "boolean"}] if {"true", "false"} & set(published.get("enum", ())) else []
    return {**notes, "anyOf": [published, *booleans, texts]}


def _patterns(forms: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for form in forms:
        if form.get("type") in ("integer", "number", "boolean", "null") or "enum" in form or "const" in form:
            yield _REFERENCE
        yield from (f"^{''.join(map(_either_case, word))}$" for word in form.get("enum", ()))


def _either_case(character: str) -> str:
    lower, upper = character.lower(), character.upper()
    return re.escape(character) if lower == upper else f"[{lower}{upper}]"
