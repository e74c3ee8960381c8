"""Parses a YAML file strictly into nodes with line numbers, independently of options.

Rejected, besides invalid YAML: duplicate keys, tags, several documents, files over 1 MB, deep nesting, and aliases in
numbers that only an attack needs. Errors never quote the file: it may contain a password.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from sfr.config.nodes import YamlMapping, YamlNode, YamlScalar, YamlSequence, plain_value
from sfr.config.problems import Problems
from sfr.config.text_file import NotTextError, decode_text
from sfr.storage.user_files import read_bounded
from sfr.wording import quoted

MAX_FILE_BYTES = 1_000_000
DEEPEST = 20
MAX_ALIASES = 200
MAX_NODES = 200_000

#: What PyYAML quotes in its messages: single characters and its own token names, <like this>, stay; others go.
_QUOTED = re.compile(r" ?('[^']'|'<[^']*>')| ?(?:'[^']*'|\"[^\"]*\")")


_UNUSED_ANCHOR = (
    "`&` at the start of a value defines an anchor for aliases (`*name`), and no alias uses it; put the value in "
    "single quotes if `&` is part of it"
)


class _Refused(yaml.MarkedYAMLError):
    """Well-formed YAML that SFR does not accept."""

    def __init__(self, problem: str, mark: yaml.Mark) -> None:
        super().__init__(problem=problem, problem_mark=mark)


class _StrictLoader(yaml.SafeLoader):
    """Composes nodes only: plain scalars stay strings, which `plain_value` converts by stricter rules."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 -- PyYAML's own way to configure a loader class

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._aliases = 0
        #: Anchors of scalars that no alias has used yet: name → mark.
        self.unused_anchors: dict[str, Any] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Compose one node, within the limits of this module."""
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML has no types here
        if isinstance(event, yaml.AliasEvent):
            self._aliases += 1
            self.unused_anchors.pop(str(event.anchor), None)
        elif isinstance(event, yaml.ScalarEvent) and event.anchor is not None:
            self.unused_anchors[event.anchor] = event.start_mark
        if self._aliases > MAX_ALIASES:
            raise _Refused(f"more than {MAX_ALIASES} aliases; write the values out", event.start_mark)
        if getattr(event, "tag", None) is not None:
            raise _Refused("tags (`!…`) are not supported; quote a value that should be a string", event.start_mark)
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Refused(f"nested more than {DEEPEST} levels deep", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Translator:
    """Converts PyYAML's nodes to ours, expanding aliases and merge keys."""

    def __init__(self, problems: Problems) -> None:
        self._problems = problems
        self._count = 0

    def translate(self, node: Any, depth: int = 0) -> YamlNode:
        self._count += 1
        if self._count > MAX_NODES or depth > DEEPEST:
            raise _Refused("aliases repeat too much; write the values out", node.start_mark)
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            is_plain = node.style is None
            if any("\ud800" <= character <= "\udfff" for character in node.value):
                self._problems.add(
                    "", "half of a surrogate pair (`\\ud800` to `\\udfff`) is not a character; remove it", line
                )
            return YamlScalar(line, node.value, plain_value(node.value) if is_plain else node.value)
        if isinstance(node, yaml.SequenceNode):
            return YamlSequence(line, tuple(self.translate(item, depth + 1) for item in node.value))
        return self._translate_mapping(node, depth)

    def _translate_mapping(self, node: Any, depth: int) -> YamlMapping:
        own: dict[str, tuple[str, int, YamlNode]] = {}
        merged: dict[str, tuple[str, int, YamlNode]] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._problems.add("", "a list or mapping cannot be a key; expected a name", line)
                continue
            key = key_node.value
            if not key.isascii():
                _refuse_odd(key, key_node.start_mark)
            if key == "<<" and key_node.style is None:
                self._merge(value_node, merged, depth)
            elif key in own:
                self._problems.add("", f"duplicate key {quoted(key)}; the first is in line {own[key][1]}", line)
            else:
                own[key] = (key, line, self.translate(value_node, depth + 1))
        pairs = (*own.values(), *(pair for key, pair in merged.items() if key not in own))
        return YamlMapping(node.start_mark.line + 1, pairs)

    def _merge(self, node: Any, merged: dict[str, tuple[str, int, YamlNode]], depth: int) -> None:
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                line = source.start_mark.line + 1
                self._problems.add("", "`<<` requires an alias of a mapping, or a list of them", line)
                continue
            translated = self.translate(source, depth + 1)
            if isinstance(translated, YamlMapping):
                for pair in translated.pairs:
                    merged.setdefault(pair[0], pair)


def _refuse_odd(key: str, mark: yaml.Mark) -> None:
    """Raise _Refused for a key with an invisible character."""
    from sfr.config.yaml_mistakes import describe_odd

    odd = describe_odd(key)
    if odd:
        raise _Refused(f"the key {odd}", mark)


#: What every configuration has to hold.
_LEAST = "`salesforce.domain` and `salesforce.auth`"


#: For those who have no configuration yet.
FIRST_STEPS = (
    "`sfr init` (in a checkout `python sfr.py init`) makes one for your org, and the demo (scripts/demo) shows what "
    "SFR does."
)


def read_yaml(problems: Problems, least: str = _LEAST, advice: str = FIRST_STEPS) -> YamlMapping | None:
    """Read the mapping in the file `problems.file`; None if there is none, which is then one of the problems.

    least: what the file has to hold at least, for messages. advice: for those who have no such file.
    Raises nothing; OSError, encoding and syntax errors become problems.
    """
    text = _read_text(problems, advice)
    if text is None:
        return None
    try:
        loader = _StrictLoader(text)
        root = loader.get_single_node()
        for mark in loader.unused_anchors.values():
            raise _Refused(_UNUSED_ANCHOR, mark)
        node = None if root is None else _Translator(problems).translate(root)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problems.add("", f"the character U+{error.character:04X} is not allowed in YAML; remove it", line)
        return None
    except yaml.MarkedYAMLError as error:
        _add_syntax_error(problems, error, text)
        return None
    if node is None or (isinstance(node, YamlScalar) and node.value is None):
        problems.add("", f"is empty; expected at least {least}")
        return None
    if not isinstance(node, YamlMapping):
        problems.add("", "expected a mapping with keys such as `salesforce:`", node.line)
        return None
    return node


def _read_text(problems: Problems, advice: str) -> str | None:
    try:
        raw = read_bounded(problems.file, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        problems.add("", f"cannot be read: {reason}; expected a YAML configuration. {advice}")
        return None
    if len(raw) > MAX_FILE_BYTES:
        problems.add("", f"is larger than {MAX_FILE_BYTES:,} bytes; expected a YAML configuration")
        return None
    try:
        return decode_text(raw)
    except NotTextError as error:
        problems.add("", str(error), error.line)
        return None


def _add_syntax_error(problems: Problems, error: yaml.MarkedYAMLError, text: str) -> None:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or "invalid YAML")
    if isinstance(error, yaml.composer.ComposerError) and "single document" in str(error.context):
        problem = "contains several documents (`---`); expected one"
    line_number = mark.line + 1 if mark else 1
    lines = text.splitlines()
    if mark and not isinstance(error, _Refused):
        from sfr.config.yaml_mistakes import explain  # only imported on errors

        began = error.context_mark.line if error.context_mark else mark.line
        explained = explain(f"{error.context or ''} {problem}", lines, began, mark.line, mark.column)
        if explained:
            # The mark may be after the last newline, where there is no line.
            reason, found = explained[1], min(explained[0], len(lines) - 1)
            problems.add("", reason + _reference_hint(lines[found] if lines else ""), found + 1)
            return
    problem = _QUOTED.sub(lambda match: match[0] if match[1] else "", problem)
    line = lines[line_number - 1] if line_number <= len(lines) else ""
    if "\t" in line and "token" in problem:
        problem += "; indent with spaces, not with tabs"
    problems.add("", problem + _reference_hint(line), line_number)


def _reference_hint(line: str) -> str:
    return '; inside {…} and […] a reference needs quotes: "${NAME}"' if "${" in line else ""
