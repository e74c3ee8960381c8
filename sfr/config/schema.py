"""Compares the nodes of a configuration file with the declared options, and builds the dataclasses.

Driven by the declarations alone: it knows no option by name. What it finds wrong goes to `Problems`; a wrong value is
replaced by its default, or None, so that everything else can still be checked.
"""

from __future__ import annotations

import dataclasses
import re
import typing
from os.path import abspath
from typing import Any

from sfr.config.declared import declared_options, default_of, item_hint, option_paths
from sfr.config.fields import Declaration
from sfr.config.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence
from sfr.config.odd_values import doubt_about_value
from sfr.config.org_settings import ReportItem
from sfr.config.problems import Problems
from sfr.config.references import BrokenReferenceError, Filled, References
from sfr.config.values import Expectation, UnexpectedValueError, found, registry_entries
from sfr.odd_characters import describe_character, odd_character
from sfr.redaction import Secret
from sfr.wording import did_you_mean, listed, quoted, shown

#: Under this path no value is ever shown: what is there, or was put there by mistake, may be a secret.
_SECRET_SECTION = "salesforce.auth"  # noqa: S105 -- a key path
#: Of a URL: user name and password.
_USER_INFO = re.compile(r"//[^/\s]*@")
_SECRET_NAME = re.compile(r"PASS|SECRET|TOKEN|SID|KEY|CREDENTIAL|AUTH", re.IGNORECASE)


class SchemaReader:
    """Reads one file's nodes; keeps what it learns on the way."""

    def __init__(self, problems: Problems, references: References, root: type) -> None:
        self._root = root
        self._problems = problems
        self._references = references
        #: Key paths that the file sets.
        self.given: set[str] = set()
        #: Sentences about secrets in the file itself that were pasted with more than was meant.
        self.doubts: list[str] = []
        #: Every variable that was filled in.
        self.variables: set[str] = set()
        #: Every value of an option that is a secret, and of credential files.
        self.secrets: list[Secret] = []
        #: Environment variables that such a value came from.
        self.secret_variables: set[str] = set()
        #: (key path, absolute path) of the files that hold secrets.
        self.secret_files: list[tuple[str, str]] = []
        #: Absolute paths of the files that `${cred:NAME}` read.
        self.credential_files: set[str] = set()
        #: Where systemd puts them; None where it does not.
        self.credentials_directory = references.environ.get("CREDENTIALS_DIRECTORY")
        #: Key paths of the secrets that the file holds itself, instead of a reference.
        self.literal_secrets: list[str] = []
        #: (key path, reference) of what stands on a command line for all users of the machine to read.
        self.shown_secrets: list[tuple[str, str]] = []
        #: Key path → which one of several alternatives the file chose.
        self.chosen: dict[str, str] = {}

    def read_mapping(self, node: YamlNode, settings: type, path: str) -> Any:
        """Build the settings dataclass from a mapping; nothing in its place means all defaults."""
        options = declared_options(settings)
        nodes = self._keyed_nodes(node, options, path)
        values: dict[str, Any] = {}
        for name, (hint, declaration, field) in options.items():
            key_path = f"{path}.{name}" if path else name
            default = default_of(field)
            if nodes is not None and name in nodes:
                self.given.add(key_path)
                values[name] = self._read_option(nodes[name], hint, declaration, key_path, default)
            else:
                values[name] = self._read_absent(hint, declaration, key_path, default, node.line)
        return settings(**{name: None if value is dataclasses.MISSING else value for name, value in values.items()})

    def _read_absent(self, hint: Any, declaration: Declaration, path: str, default: Any, line: int) -> Any:
        """The value of an option that the file does not set: its default, paths made absolute."""
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.read_mapping(YamlScalar(line, "", None), hint, path)
        if default is dataclasses.MISSING and not self._problems.is_bad(path):
            self._problems.add(path, f"missing; expected: {declaration.doc}", line)
        return abspath(default) if declaration.is_path and isinstance(default, str) else default

    def _keyed_nodes(self, node: YamlNode, keys: typing.Iterable[str], path: str) -> dict[str, YamlNode] | None:
        if isinstance(node, YamlScalar) and node.value is None:
            return {}
        if not isinstance(node, YamlMapping):
            self._add_unexpected(path, node, f"a mapping with keys such as {listed(list(keys)[:3])}")
            return None
        nodes: dict[str, YamlNode] = {}
        for key, line, value in node.pairs:
            key_path = f"{path}.{key}" if path else key
            if key in keys:
                nodes[key] = value
                self._problems.lines[key_path] = line
            else:
                hint = did_you_mean(key, keys) or self._hint_elsewhere(key) or f"; expected one of {listed(keys)}"
                self._problems.add(shown(key_path), f"unknown key{hint}", line)
        return nodes

    def _hint_elsewhere(self, key: str) -> str:
        """Where an option of this name would belong."""
        paths = [path for path in option_paths(self._root) if path.rpartition(".")[2] == key]
        return f"; did you mean `{paths[0]}`?" if len(paths) == 1 else ""

    def _read_option(self, node: YamlNode, hint: Any, declaration: Declaration, path: str, default: Any) -> Any:
        """The value of one option, or its default (MISSING if it has none) after noting a problem."""
        if hint is Any:
            return self._read_choice(node, declaration, path)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.read_mapping(node, hint, path)
        listed_hint = item_hint(hint)
        if listed_hint is not None:
            items = self._read_sequence(node, listed_hint, path, default)
            if declaration.is_command_line and isinstance(node, YamlSequence):
                self._note_command_line(node, path)
            return items
        return self._read_scalar(node, Expectation.of(hint, declaration), path, default)

    def _read_choice(self, node: YamlNode, declaration: Declaration, path: str) -> Any:
        """A mapping with exactly one key, which names an entry of a registry; the entry's settings describe it."""
        entries = registry_entries(declaration.registry or "")
        nodes = self._keyed_nodes(node, entries, path)
        if nodes is None:
            return None
        was_bad = self._problems.is_bad(path)
        read = {
            name: self.read_mapping(chosen, entries[name].settings, f"{path}.{name}") for name, chosen in nodes.items()
        }
        if len(nodes) != 1:
            names = f"found {listed(nodes)}" if nodes else "found none"
            if not was_bad:
                self._problems.add(path, f"expected exactly one of {listed(entries)}; {names}")
            return None
        self.chosen[path], settings = next(iter(read.items()))
        return settings

    def _read_sequence(self, node: YamlNode, item_hint: Any, path: str, default: Any) -> Any:
        if isinstance(node, YamlScalar) and node.value is None:
            return default
        if not isinstance(node, YamlSequence) or (item_hint is str and not node.items):
            what = "a list of texts, such as [first, second]" if item_hint is str else "a list of mappings"
            self._add_unexpected(path, node, what)
            return default
        items: list[Any] = []
        for position, item in enumerate(node.items):
            item_path = f"{path}[{position}]"
            self._problems.lines[item_path] = item.line
            if item_hint is str:
                items.append(self._read_text(item, item_path))
            elif item_hint is ReportItem:
                items.append(self._read_report_item(item, item_path))
            else:
                items.append(self.read_mapping(item, item_hint, item_path))
        return tuple(items)

    def _note_command_line(self, node: YamlSequence, path: str) -> None:
        """What references bring into program and arguments is a secret, and shown to all users of the machine."""
        for position, item in enumerate(node.items):
            try:
                brought = self._references.brought_into(item.text if isinstance(item, YamlScalar) else "")
            except BrokenReferenceError:
                continue
            self.secrets += map(Secret, brought.values())
            self.secret_variables |= brought.keys() & set(self._references.environ)
            self.shown_secrets += [(f"{path}[{position}]", name) for name in brought]

    def _read_report_item(self, node: YamlNode, path: str) -> ReportItem:
        """A mapping of texts; its keys and values are the report list's business."""
        if not isinstance(node, YamlMapping):
            self._add_unexpected(path, node, "a mapping with the report list's column names as keys")
            return ReportItem({})
        cells: dict[str, str] = {}
        for key, line, value in node.pairs:
            self._problems.lines[f"{path}.{key}"] = line
            is_empty = isinstance(value, YamlScalar) and value.value is None
            cells[key] = "" if is_empty else self._read_text(value, f"{path}.{key}")
        return ReportItem(cells, f"{shown(self._problems.file, 300)}:{node.line}: {path}")

    def _read_text(self, node: YamlNode, path: str) -> str:
        """A text; numbers and booleans are taken as they are written."""
        if not isinstance(node, YamlScalar) or node.value is None:
            self._add_unexpected(path, node, "a text")
            return ""
        filled = self._fill(node, path)
        return filled.text if filled else ""

    def _read_scalar(self, node: YamlNode, expectation: Expectation, path: str, default: Any) -> Any:
        if not isinstance(node, YamlScalar):
            self._add_unexpected(path, node, expectation.describe(), is_secret=expectation.is_secret)
            return default
        filled = self._fill(node, path)
        if filled is None:
            return default
        if expectation.is_secret and node.value is not None and filled.text not in expectation.words:
            self._note_secret(filled, path, is_literal=filled.text == node.text)
        meant = node.value if filled.text == node.text else filled.text
        try:
            value = expectation.accept(filled.text, meant, is_reference=filled.is_reference)
        except UnexpectedValueError as error:
            self._add_unexpected(path, node, str(error), filled, is_secret=expectation.is_secret, hint=error.hint)
            return default
        if isinstance(value, str | Secret) and not filled.text and default != "" and default != Secret(""):
            self._problems.add(path, f"is empty{_origin(node, filled)}; expected {expectation.describe()}")
            return default
        return self._noted_file(value, expectation, path)

    def _note_secret(self, filled: Filled, path: str, *, is_literal: bool) -> None:
        self.secrets.append(Secret(filled.text))
        self.secret_variables |= filled.variables & set(self._references.environ)
        doubt = doubt_about_value(filled.text) if is_literal else None
        if doubt:
            self.doubts.append(f"{path}: the value {doubt}")
        if is_literal and filled.text:
            self.literal_secrets.append(path)

    def _noted_file(self, value: Any, expectation: Expectation, path: str) -> Any:
        if not expectation.declaration.is_path or not isinstance(value, str) or value in expectation.words:
            return value
        if expectation.declaration.is_secret_file:
            self.secret_files.append((path, value))
        return value

    def _fill(self, node: YamlScalar, path: str) -> Filled | None:
        try:
            filled = self._references.fill(node.text)
        except BrokenReferenceError as error:
            self._problems.add(path, str(error))
            return None
        self.variables |= filled.variables
        self.secrets += map(Secret, filled.credentials.values())
        self.credential_files |= set(filled.credentials)
        return filled

    def _add_unexpected(
        self,
        path: str,
        node: YamlNode,
        expected: str,
        filled: Filled | None = None,
        *,
        is_secret: bool = False,
        hint: str = "",
    ) -> None:
        is_hidden = is_secret or path.startswith(_SECRET_SECTION)
        if filled and (filled.credentials or any(map(_SECRET_NAME.search, filled.variables))):
            is_hidden = True
        if is_hidden and isinstance(node, YamlScalar) and node.value is not None:
            what = f"something else{_origin(node, filled)}"
        else:
            what = (
                _USER_INFO.sub("//***@", found(node, filled.text if filled else None)) + hint + _odd_hint(node, filled)
            )
        self._problems.add(path, f"expected {expected}; found {what}", None if path else node.line)


def _odd_hint(node: YamlNode, filled: Filled | None) -> str:
    """Which character of a shown value cannot be seen, if one is there."""
    text = filled.text if filled else node.text if isinstance(node, YamlScalar) else ""
    odd = odd_character(text)
    return f" (it holds {describe_character(odd)})" if odd else ""


def _origin(node: YamlScalar, filled: Filled | None) -> str:
    """Where a value came from that is not shown itself: its reference, if it is one."""
    return f" (from {quoted(node.text)})" if filled and filled.is_reference else ""
