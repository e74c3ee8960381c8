"""Converts pydantic's errors to messages for users: one table. Never shows a value that may be a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from sfr.config.declared import DeclaredOptions, Option, joined
from sfr.config.file_tree import FileTree
from sfr.config.nodes import YamlMapping, YamlNode, YamlSequence
from sfr.config.secret_values import SECRET_NAME
from sfr.odd_characters import describe_character, odd_character
from sfr.options.tree import Findings, Scalar
from sfr.options.types import EMPTY, OWN_SENTENCE, OWN_SENTENCE_OF_KEYS
from sfr.redaction import Redactor
from sfr.wording import did_you_mean, listed, quoted

#: Values below this path are never shown: they may be secrets, or secrets put there by mistake.
_SECRET_SECTION = "salesforce.auth"  # noqa: S105 -- a key path
#: If more options than this have the same name, none of them is suggested.
MAX_SUGGESTIONS = 2
#: Username and password in a URL.
_USER_INFO = re.compile(r"//[^/\s]*@")
#: The beginning of a URL, which messages name too, and which is no secret.
_SCHEME = re.compile(r"^\s*\w+://")
#: Of a key path: names, and places in lists.
_STEP = re.compile(r"[^.\[]+")

#: Error type, pydantic's or our own → sentence. All other types mean that the option does not accept such a value.
SENTENCES: Mapping[str, str] = {
    "missing": "missing; expected: {option.description}",
    "extra_forbidden": "unknown key{near}",
    "string_too_short": "is empty{origin}; expected {expected}",
    EMPTY: "is empty{origin}; expected {expected}",
    OWN_SENTENCE: "{own}",
    OWN_SENTENCE_OF_KEYS: "{own}",
    "value_error": "expected {own}; found {found}",
}
_OTHER = "expected {expected}; found {found}"


def add_problems(
    error: ValidationError, file: FileTree, findings: Findings, options: DeclaredOptions | None = None
) -> None:
    """Add all problems of a validation error, each key path once, and note secrets that no model has read.

    For a union, pydantic reports an error for each member; the most specific one is used.
    options: of the model that was validated, if it is not the configuration.
    """
    options = options or DeclaredOptions()
    findings.secrets += [
        scalar
        for path, scalar in file.scalars.items()
        if path.startswith(_SECRET_SECTION) and options.find(_STEP.findall(path)).is_secret
    ]
    found: dict[str, tuple[Any, Option]] = {}
    for detail in error.errors(include_url=False, include_input=False):
        option = options.find(detail["loc"])
        path = _whole_path(detail["loc"]) if detail["type"] == "extra_forbidden" else option.path
        if path not in found or detail["type"] in SENTENCES:
            found[path] = detail, option
    for path, (detail, option) in found.items():
        if detail["type"] == OWN_SENTENCE_OF_KEYS or not file.problems.is_bad(path):
            sentence = SENTENCES.get(detail["type"], _OTHER)
            file.problems.add(path, sentence.format_map(_words(detail, option, options, file)))


def _words(detail: Any, option: Option, options: DeclaredOptions, file: FileTree) -> Mapping[str, Any]:
    """The values for the placeholders of a sentence."""
    scalar = file.scalars.get(option.path)
    is_hidden = scalar is not None and _may_be_secret(option, scalar, options)
    context = detail.get("ctx", {})
    own = str(context.get("text") or context.get("error"))
    return {
        "option": option,
        "expected": option.describe() + _needs_quotes(detail["type"], scalar),
        "own": _without_value(own, scalar) if scalar is not None and is_hidden else own,
        "near": _near_key(detail["loc"], option, options) if detail["type"] == "extra_forbidden" else "",
        "origin": _origin(scalar),
        "found": _found(option, file.nodes.get(option.path), scalar, is_hidden=is_hidden),
    }


def _whole_path(steps: Sequence[str | int]) -> str:
    path = ""
    for step in steps:
        path = joined(path, step)
    return path


def _needs_quotes(kind: str, scalar: Scalar | None) -> str:
    is_unquoted = kind == "string_type" and scalar is not None and not isinstance(scalar.value, str)
    return " (put it in quotes)" if is_unquoted else ""


def _near_key(steps: Sequence[str | int], section: Option, options: DeclaredOptions) -> str:
    """A suggestion for an unknown key: a key of its section, or the few options of that name elsewhere."""
    key = str(steps[-1])
    near = did_you_mean(key, section.keys)
    if near:
        return near
    elsewhere = [option.path for option in options.walk() if option.path.rpartition(".")[2] == key]
    if 0 < len(elsewhere) <= MAX_SUGGESTIONS:
        return f"; did you mean {' or '.join(f'`{path}`' for path in elsewhere)}?"
    return f"; expected one of {listed(section.keys)}"


def _may_be_secret(option: Option, scalar: Scalar, options: DeclaredOptions) -> bool:
    """Whether a value is a secret, or is where one was meant: in place of a section that holds secrets, too."""
    return (
        any(below.is_secret for below in options.walk(option))
        or option.path.startswith(_SECRET_SECTION)
        or bool(scalar.credentials)
        or any(map(SECRET_NAME.search, scalar.variables))
    )


def _without_value(text: str, scalar: Scalar) -> str:
    """A check's own sentence, which may propose what the value was meant to be."""
    redactor = Redactor()
    values = (scalar.text, *scalar.variables.values(), *scalar.credentials.values())
    redactor.add(*(_SCHEME.sub("", value) for value in values))
    return redactor.redact(text)


def _found(option: Option, node: YamlNode | None, scalar: Scalar | None, *, is_hidden: bool) -> str:
    if node is None or scalar is None:
        return _found_node(node)
    if is_hidden:
        return f"something else{_origin(scalar)}"
    odd = odd_character(scalar.text)
    hint = f" (it holds {describe_character(odd)})" if odd else ""
    return _USER_INFO.sub("//***@", _found_scalar(scalar)) + did_you_mean(scalar.text, option.choices) + hint


def _found_node(node: YamlNode | None) -> str:
    if isinstance(node, YamlMapping):
        return "a mapping"
    if isinstance(node, YamlSequence):
        return "a list"
    return "nothing" if node is None or node.text == "" else "null"


def _found_scalar(scalar: Scalar) -> str:
    if scalar.text != scalar.written:
        return f"{quoted(scalar.text)} (from {quoted(scalar.written)})"
    return quoted(scalar.text) if isinstance(scalar.value, str) else scalar.text


def _origin(scalar: Scalar | None) -> str:
    """The reference that a value not shown came from, if it is one."""
    return f" (from {quoted(scalar.written)})" if scalar is not None and scalar.is_reference else ""
